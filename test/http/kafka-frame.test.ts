import { describe, expect, test } from 'vitest'
import { newMember } from '../../src/cluster/member.ts'
import { writeGrants } from '../../src/http/grants.ts'
import { lambdaHandler } from '../../src/http/lambda.ts'
import { allRoutes } from '../../src/http/routes.ts'
import { createTopic } from '../../src/log/topics.ts'
import type { ApiName } from '../../src/protocol/apis.ts'
import { readResponse } from '../../src/protocol/frame.ts'
import { StoreError } from '../../src/store/errors.ts'
import { batchOf, fetchFrom, frameOf, produceTo, type Request } from '../broker/kit.ts'
import { eventOf, failed, newServer, type Server, watchedStores } from './kit.ts'

const type = 'application/octet-stream'
const advertise = { 'millrace-advertise': 'localhost:9092' }

/** One frame to the function, as API Gateway brings it. */
async function call<Name extends ApiName>(
  server: Server,
  name: Name,
  request: Request<Name>,
  version: number,
  userArn = '',
) {
  const handler = lambdaHandler('kafka', allRoutes.kafka, async () => server.core)
  const body = frameOf(name, request, 7, version).subarray(4)
  const event = eventOf('POST', '/kafka', 'POST /kafka', {
    body,
    type,
    headers: advertise,
    ...(userArn && { userArn }),
  })
  const { statusCode, headers, body: answer, isBase64Encoded } = await handler(event)
  const bytes = Buffer.from(answer, 'base64')
  const value = () => readResponse(name, version, bytes)
  return { status: statusCode, headers, isBase64Encoded, bytes, value }
}

const withTopic = async (): Promise<Server> => {
  const server = newServer()
  await createTopic(server.core, { name: 't' })
  return server
}

describe('a Kafka frame over HTTP', () => {
  test('is answered by a frame, both without their lengths', async () => {
    const answer = await call(await withTopic(), 'metadata', { topics: null }, 12)
    expect(answer).toMatchObject({ status: 200, isBase64Encoded: true, headers: { 'content-type': type } })
    const { correlationId, value } = answer.value()
    expect([correlationId, value.brokers.map(({ host, port }) => `${host}:${port}`), value.topics[0]?.name]).toEqual([
      7,
      ['localhost:9092'],
      't',
    ])
  })

  test('that wants no answer gets none', async () => {
    const answer = await call(await withTopic(), 'produce', produceTo('t', batchOf(['a']), 0, 0), 9)
    expect([answer.status, answer.bytes.length]).toEqual([204, 0])
  })

  test('that cannot be answered without the store is a 503, which is sent again', async () => {
    const stores = watchedStores()
    const server = newServer(stores, { appendTimeoutMs: 0 })
    stores.trouble = () => {
      throw new StoreError('unavailable', 'table secret-name')
    }
    const answer = await call(server, 'metadata', { topics: null }, 12)
    expect([answer.status, answer.bytes.includes('secret')]).toEqual([503, false])
  })

  test('is held to what its caller is granted', async () => {
    const server = await withTopic()
    const grants = { produce: [], consume: [{ group: 'g', topic: 'other' }], admin: false }
    await writeGrants(server.core, '123456789012/role/reader', 'test', grants)
    const arn = 'arn:aws:sts::123456789012:assumed-role/Reader/session'
    const answer = await call(server, 'fetch', fetchFrom('t', 0), 12, arn)
    expect(answer.value().value.responses[0]?.partitions[0]?.errorCode).toBe(29)
    const made = { name: 'new', numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }
    const { topics } = (await call(server, 'createTopics', { topics: [made], timeoutMs: 0 }, 7, arn)).value().value
    expect(topics[0]?.errorCode).not.toBe(0)
    expect(
      (await call(server, 'fetch', fetchFrom('t', 0), 12)).value().value.responses[0]?.partitions[0]?.errorCode,
    ).toBe(0)
  })

  test('brings no more records than a function may give, however many are wanted', async () => {
    const server = await withTopic()
    for (let batch = 0; batch < 6; batch++) {
      await call(server, 'produce', produceTo('t', batchOf(['x'.repeat(1024 * 1024 - 100)])), 9)
    }
    const wanted = {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 2 ** 30 }] }],
    }
    const answer = await call(server, 'fetch', wanted, 12)
    expect(answer.status).toBe(200)
    const length = answer.value().value.responses[0]?.partitions[0]?.records?.length ?? 0
    expect(length).toBeGreaterThan(3 * 1024 * 1024)
    expect(length).toBeLessThanOrEqual(4 * 1024 * 1024)
  })

  test('tells no older leader epochs than brokers over the same stores told, and leads everything itself', async () => {
    const server = await withTopic()
    const member = newMember(server.core, { host: 'broker', port: 9092, leaseMs: 5_000 })
    await member.join()
    await member.leave()
    const { value } = (await call(server, 'metadata', { topics: null }, 12)).value()
    expect(value.topics[0]?.partitions).toMatchObject([{ leaderId: 1, leaderEpoch: 2 }])
    // A client may know a newer one, from another process of the same door.
    const fetch = fetchFrom('t', 0)
    const topics = [
      { topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 100, currentLeaderEpoch: 9 }] },
    ]
    const fetched = (await call(server, 'fetch', { ...fetch, topics }, 12)).value()
    expect(fetched.value.responses[0]?.partitions[0]?.errorCode).toBe(0)
  })

  test.each([
    ['415 415', { type: 'application/json', body: '{}', headers: advertise }],
    ['415 415', { body: Buffer.alloc(20), headers: advertise }],
    ['400 400', { type, body: Buffer.alloc(3), headers: advertise }],
    ['400 400', { type, body: Buffer.alloc(20, 0xff), headers: advertise }],
    ['400 400', { type, body: frameOf('metadata', { topics: null }).subarray(4) }],
    [
      '400 400',
      { type, body: frameOf('metadata', { topics: null }).subarray(4), headers: { 'millrace-advertise': 'a b:1' } },
    ],
    [
      '400 400',
      { type, body: frameOf('metadata', { topics: null }).subarray(4), headers: { 'millrace-advertise': 'a:0' } },
    ],
  ])('is refused with %s where it is none', async (expected, request) => {
    expect(failed(await newServer().call('POST', '/kafka', request))).toBe(expected)
  })
})
