/**
 * The deployed stack, end to end, on whatever speaks AWS at AWS_ENDPOINT_URL. Where MILLRACE_RECORDER_HOST says how the functions
 * reach this machine, their calls are recorded and held against their roles.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runDemo } from '../../../demo/run.ts'
import { signing } from '../../../src/connect/signing.ts'
import { signedCalls } from '../../e2e/calls.ts'
import { kafkaSuite } from '../../e2e/kafka.ts'
import { restSuite } from '../../e2e/rest.ts'
import { decide, unusedGrants } from '../../policy/evaluate.ts'
import { type Deployed, rolePolicies } from '../../policy/role-policies.ts'
import { type Recorder, startRecorder } from './recorder.ts'
import { account, assume, credentials, type Deployment, deploy, destroy, invoke, redirect, region } from './stack.ts'

const endpoint = process.env.AWS_ENDPOINT_URL ?? ''
const recorderHost = process.env.MILLRACE_RECORDER_HOST
const stack = `Millrace-${process.pid}`

describe('the deployed stack', () => {
  let deployment: Deployment
  let recorder: Recorder | undefined

  beforeAll(async () => {
    deployment = await deploy(endpoint, stack)
    console.log(`cdk deploy: ${deployment.deploySeconds.toFixed(1)} s, ${deployment.url}`)
    if (recorderHost === undefined) return
    recorder = await startRecorder(endpoint, recorderHost, { region, account })
    await redirect(endpoint, deployment, recorder.url)
  })

  afterAll(async () => {
    await recorder?.close()
    console.log(`cdk destroy: ${(await destroy(endpoint, stack, deployment)).toFixed(1)} s`)
  })

  restSuite(() => signedCalls(deployment.url, credentials, region))

  // Signed as `connect` does, by the SDK's default chain.
  kafkaSuite(() => {
    process.env.AWS_ACCESS_KEY_ID ??= credentials.accessKeyId
    process.env.AWS_SECRET_ACCESS_KEY ??= credentials.secretAccessKey
    return { url: deployment.url, sign: signing(region), rest: signedCalls(deployment.url, credentials, region) }
  })

  it('shows a role what it is granted, and refuses what a body names beyond', async () => {
    const admin = signedCalls(deployment.url, credentials, region)
    const granted = signedCalls(deployment.url, await assume(endpoint, deployment.readerArn), region)
    const headers = { 'content-type': 'application/vnd.kafka.json.v2+json' }
    for (const topic of ['granted', 'withheld'])
      expect((await admin('POST', `/topics/${topic}`, { headers, body: { records: [{ value: topic }] } })).status).toBe(
        200,
      )
    expect((await granted('GET', '/topics')).body).toEqual(['granted'])
    const management = { 'content-type': 'application/vnd.kafka.v2+json' }
    const base = '/consumers/granted/instances/i'
    const made = await granted('POST', '/consumers/granted', {
      headers: management,
      body: { name: 'i', format: 'json' },
    })
    expect(made.status).toBe(200)
    const subscribe = (topic: string) =>
      granted('POST', `${base}/subscription`, { headers: management, body: { topics: [topic] } })
    expect(await subscribe('withheld')).toMatchObject({ status: 403, body: { error_code: 40301 } })
    expect((await subscribe('granted')).status).toBe(204)
    expect((await granted('DELETE', base)).status).toBe(204)
  })

  it('carries the 20,000 flights of the demo: none lost, none out of order', async () => {
    expect(await runDemo({ url: deployment.url, print: console.log })).toBe(0)
  })

  it('tidies up, and says so where it could not', async () => {
    await invoke(endpoint, deployment, 'maintain')
  })

  describe('retention', () => {
    const v2 = { 'content-type': 'application/vnd.kafka.json.v2+json' }
    const call: ReturnType<typeof signedCalls> = (...args) => signedCalls(deployment.url, credentials, region)(...args)

    const v3 = { 'content-type': 'application/json' }

    async function topics(): Promise<string> {
      const { body } = await call('GET', '/v3/clusters')
      const [{ cluster_id: cluster }] = (body as { data: [{ cluster_id: string }] }).data // the contract's list of clusters
      return `/v3/clusters/${cluster}/topics`
    }

    async function newTopic(name: string, configs: Readonly<Record<string, string>>) {
      const asked = {
        topic_name: name,
        partitions_count: 1,
        configs: Object.entries(configs).map(([config, value]) => ({ name: config, value })),
      }
      expect((await call('POST', await topics(), { headers: v3, body: asked })).status).toBe(201)
    }

    async function alter(topic: string, config: string, value: string) {
      const path = `${await topics()}/${topic}/configs/${config}`
      expect((await call('PUT', path, { headers: v3, body: { value } })).status).toBe(204)
    }

    async function fill(topic: string, requests: number, valueBytes: number) {
      const body = { records: [{ value: 'x'.repeat(valueBytes) }] }
      for (let count = 0; count < requests; count++)
        expect((await call('POST', `/topics/${topic}`, { headers: v2, body })).status).toBe(200)
    }

    const bounds = async (topic: string) =>
      (await call('GET', `/topics/${topic}/partitions/0/offsets`)).body as {
        beginning_offset: number
        end_offset: number
      } // as the contract has it

    /** Nobody but the schedule starts what moves it: once a minute, and a busy machine takes its time over it. */
    async function begins(topic: string, isThere: (offset: number) => boolean): Promise<number> {
      for (const deadlineMs = Date.now() + 400_000; ; await new Promise((resolve) => setTimeout(resolve, 2_000))) {
        const { beginning_offset } = await bounds(topic)
        if (isThere(beginning_offset)) return beginning_offset
        if (Date.now() > deadlineMs) throw new Error(`${topic} begins at ${beginning_offset} still`)
      }
    }

    it('by time takes what is over, and its readers are told where the log begins', async () => {
      await newTopic('by-time', { 'retention.ms': '1000' })
      await fill('by-time', 5, 100)
      await begins('by-time', (offset) => offset === 5)
      // The next pass may come before this one is read.
      await alter('by-time', 'retention.ms', '-1')
      await fill('by-time', 1, 100)
      expect(await bounds('by-time')).toEqual({ beginning_offset: 5, end_offset: 6 })
      const headers = { accept: 'application/vnd.kafka.json.v2+json' }
      const read = (offset: number) => call('GET', `/topics/by-time/partitions/0/records?offset=${offset}`, { headers })
      expect((await read(5)).body).toMatchObject([{ offset: 5 }])
      expect((await read(4)).status).not.toBe(200)
    })

    it('by size keeps the newest, as much as is asked for', async () => {
      await newTopic('by-size', { 'retention.ms': '-1' })
      await fill('by-size', 60, 5_000)
      // Not before: a pass in the midst of it would leave something to the next one, and to what is read below.
      await alter('by-size', 'retention.bytes', '100000')
      const begin = await begins('by-size', (offset) => offset > 20)
      expect(begin).toBeLessThanOrEqual(40)
      const headers = { accept: 'application/vnd.kafka.json.v2+json' }
      const first = await call('GET', `/topics/by-size/partitions/0/records?offset=${begin}`, { headers })
      expect(first).toMatchObject({
        status: 200,
        body: expect.arrayContaining([expect.objectContaining({ offset: begin })]),
      })
    })
  })

  if (recorderHost !== undefined)
    describe('and its roles', () => {
      const policies = () =>
        rolePolicies(deployment.template, (logicalId): Deployed => {
          const type = deployment.template.Resources[logicalId]?.Type
          const { table, bucket } = deployment
          if (type === 'AWS::DynamoDB::GlobalTable')
            return { ref: table, arn: `arn:aws:dynamodb:${region}:${account}:table/${table}` }
          if (type === 'AWS::S3::Bucket') return { ref: bucket, arn: `arn:aws:s3:::${bucket}` }
          return { ref: logicalId, arn: `arn:aws:logs:${region}:${account}:log-group:${logicalId}:*` }
        })

      it('allow every call that the functions made', () => {
        const denied = [...(recorder?.calls ?? [])].flatMap(([name, calls]) => {
          const statements = policies().get(name) ?? []
          return calls
            .filter((call) => !decide(statements, call).allowed)
            .map(({ action, resource, context }) => `${name}: ${action} on ${resource} ${JSON.stringify(context)}`)
        })
        expect([...new Set(denied)]).toEqual([])
      })

      it('were tried: every function made calls, and no call came from anyone else', () => {
        // The writer of grants was called before there was a recorder.
        const called = [...policies().keys()].filter((name) => name !== 'grants')
        expect([...(recorder?.calls.keys() ?? [])].toSorted()).toEqual(called.toSorted())
        expect(recorder?.anonymous).toEqual([])
        for (const [name, statements] of policies()) {
          const calls = recorder?.calls.get(name) ?? []
          // Writing its log is the platform's call, made in the function's name.
          const unused = unusedGrants(statements, calls).filter((grant) => !grant.startsWith('Log: '))
          console.log(`${name}: ${calls.length} calls; granted but not used: ${unused.join(', ') || 'nothing'}`)
        }
      })
    })
})
