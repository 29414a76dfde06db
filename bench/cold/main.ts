/**
 * `npm run bench:cold`: how long the produce function takes from its first import to the answer of a first tiny produce, in fresh
 * processes, against a local store (MiniStack: Python; installed by its lane). A time, so it is printed and not asserted.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundle, summaryOf, writeBundle } from '../../infra/bundle.ts'
import { createTopic } from '../../src/log/topics.ts'
import { freshMemory } from '../../src/runtime/memory.ts'
import { defaultSettings } from '../../src/runtime/settings.ts'
import { systemRandom } from '../../src/runtime/system.ts'
import { ensureAws } from '../../src/store/aws/ensure.ts'
import { freshAws } from '../../test/lanes/aws-stores.ts'
import { startMinistack } from '../../test/lanes/ministack/start.ts'

const starts = 15

const folder = await mkdtemp(join(tmpdir(), 'millrace-cold-'))
const emulator = await startMinistack()
try {
  const made = bundle(fileURLToPath(new URL('../../functions/produce.ts', import.meta.url)))
  writeBundle(folder, made)
  const { eagerBytes } = summaryOf(made)
  const aws = freshAws(emulator.url)
  await ensureAws(aws)
  const memory = freshMemory(defaultSettings.cacheBytes)
  const core = { ...aws.stores, clock: aws.clock, random: systemRandom, settings: defaultSettings, memory }
  await createTopic(core, { name: 'cold' })
  const times: { load: number; first: number }[] = []
  for (let start = 0; start < starts; start++) times.push(await coldStart(aws.table.table, aws.bucket.bucket))
  const median = (all: number[]) => all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)]?.toFixed(0)
  console.log(
    `produce, ${starts} fresh processes, Node ${process.version}, eager bundle ${(eagerBytes / 1000).toFixed(0)} KB`,
  )
  console.log(`  loading the function            ${median(times.map(({ load }) => load))} ms in the median`)
  console.log(`  a first tiny produce            ${median(times.map(({ first }) => first))} ms`)
  console.log(
    `  both                            ${median(times.map(({ load, first }) => load + first))} ms (wanted: 150 on a quiet machine)`,
  )
  await aws.stores.close()
} finally {
  await emulator.stop()
  await rm(folder, { recursive: true })
}

async function coldStart(table: string, bucket: string): Promise<{ load: number; first: number }> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [fileURLToPath(new URL('./start.mjs', import.meta.url)), join(folder, 'index.mjs')],
    {
      env: {
        PATH: process.env.PATH,
        MILLRACE_TABLE: table,
        MILLRACE_BUCKET: bucket,
        AWS_ENDPOINT_URL: emulator.url,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
        NODE_NO_WARNINGS: '1',
      },
    },
  )
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}
