import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { killAll, type Millrace, startMillrace } from '../../server/millrace-process.ts'
import { home, installSchemathesis } from './install.ts'
import { type Document, withExamples } from './with-examples.ts'

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
]

let command: string
let millrace: Millrace

beforeAll(async () => {
  command = await installSchemathesis()
  millrace = await startMillrace(['--memory'])
})
afterAll(killAll)

const ask = async (path: string, body?: unknown, type = 'application/json') => {
  const response = await fetch(`${millrace.url}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': type } }),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.status === 204 ? undefined : response.json()
}

/** Topics with records, groups with members by hand and by subscription: one of each for the calls to meet. */
async function something() {
  const clusters = (await ask('/v3/clusters')) as { data: { cluster_id: string }[] }
  const records = ['a', 'b', 'c'].map((key) => ({ key, value: { key } }))
  for (const topic of ['orders', 'events'])
    await ask(`/topics/${topic}`, { records }, 'application/vnd.kafka.json.v2+json')
  const settings = { format: 'json', 'auto.offset.reset': 'earliest', 'consumer.request.timeout.ms': 20 }
  for (const name of ['by-hand', 'member']) await ask('/consumers/readers', { ...settings, name })
  const base = '/consumers/readers/instances'
  await ask(`${base}/by-hand/assignments`, { partitions: [{ topic: 'orders', partition: 0 }] })
  await ask(`${base}/member/subscription`, { topics: ['events'] })
  return {
    cluster: clusters.data.map((cluster) => cluster.cluster_id),
    topic: ['orders', 'events'],
    partition: [0],
    name: ['retention.ms', 'num.partitions'],
    group: ['readers'],
    instance: ['by-hand', 'member'],
  }
}

/** A record that is refused is told in its report; the call as a whole goes well. */
const config = `
[[operations]]
include-operation-id = ["v3Produce", "v3ProduceBatch"]
checks.negative_data_rejection.expected-statuses = [200, 207, 400, 404, 406, 415, 422]
`

/** All the time would go into making lists of 20,001 records. */
const withoutHugeLists = (key: string, value: unknown) =>
  key === 'maxItems' && Number(value) > 1_000 ? undefined : value

type Run = { readonly code: number; readonly output: string }

const schemathesis = (args: readonly string[]): Promise<Run> =>
  new Promise((resolve) => {
    const env = { PATH: process.env.PATH, HOME: process.env.HOME, PYTHONUNBUFFERED: '1' }
    execFile(command, args, { cwd: home, env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? 1 : 0
      resolve({ code, output: stdout + stderr })
    })
  })

test('every answer is as the OpenAPI document says, whatever is asked', async () => {
  const document = withExamples((await ask('/openapi.json')) as Document, await something())
  const file = join(home, 'document.json')
  await writeFile(file, JSON.stringify(document, withoutHugeLists))
  const configFile = join(home, 'schemathesis.toml')
  await writeFile(configFile, config)
  const { code, output } = await schemathesis([
    `--config-file=${configFile}`,
    'run',
    file,
    `--url=${millrace.url}`,
    `--checks=${checks.join(',')}`,
    '--phases=examples,coverage,fuzzing',
    '--max-examples=10',
    '--seed=1',
    '--generation-database=none',
    '--max-time=100',
    '--continue-on-failure',
    '--warnings=off',
    '--no-color',
  ])
  await writeFile(join(home, 'report.txt'), output)
  expect(millrace.err()).toBe('')
  // From the first failure on: what comes before is a banner.
  expect(code, output.slice(Math.max(0, output.search(/^=+ (ERRORS|FAILURES)/m)))).toBe(0)
  expect(output).toMatch(/\d+ generated, \d+ passed/)
})
