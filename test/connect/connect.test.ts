import { describe, expect, it } from 'vitest'
import { crc32c } from '../../src/protocol/records/crc32c.ts'
import { layout } from '../../src/protocol/records/header.ts'
import { systemClock } from '../../src/runtime/system.ts'
import { batchOf, type Client, fetchFrom, produceTo, until } from '../broker/kit.ts'
import { code, newMember, settle } from '../broker/member.ts'
import { produceJson } from '../http/kit.ts'
import { type Connected, connected, hasty } from './kit.ts'

const produce = async (client: Client, topic: string, ...values: string[]) => {
  const { responses } = await client.call('produce', produceTo(topic, batchOf(values)), 9)
  return responses[0]?.partitionResponses[0]
}
const fetch = async (client: Client, topic: string, offset: number, options = {}) => {
  const { responses } = await client.call('fetch', fetchFrom(topic, offset, options), 12)
  const [partition] = responses[0]?.partitions ?? []
  return { error: partition?.errorCode, high: partition?.highWatermark, bytes: partition?.records?.length ?? 0 }
}

describe('a Kafka client behind connect', () => {
  it('is sent back to the port it came by', async () => {
    const door = await connected()
    await door.topic({ name: 't' })
    const { brokers } = await (await door.client()).call('metadata', { topics: [{ name: 't' }] })
    expect(brokers).toMatchObject([{ host: '127.0.0.1', port: door.port() }])
  })

  it('and REST clients see the same topics and records', async () => {
    const door = await connected()
    const client = await door.client()
    await door.topic({ name: 't' })
    expect(await produce(client, 't', 'a', 'b')).toMatchObject({ errorCode: 0, baseOffset: 0 })
    const posted = await produceJson(door.http, '/topics/t', [{ value: 'c' }])
    expect(posted.json).toMatchObject({ offsets: [{ offset: 2 }] })
    expect(await fetch(client, 't', 0)).toMatchObject({ error: 0, high: 3 })
    expect((await door.http.call('GET', '/topics')).json).toEqual(['t'])
  })

  it('gets no answer to what wants none, and goes on', async () => {
    const door = await connected()
    await door.topic({ name: 't' })
    const client = await door.client()
    client.send('produce', produceTo('t', batchOf(['a']), 0, 0), 9)
    expect(await fetch(client, 't', 0)).toMatchObject({ high: 1 })
  })

  it('may be one of a group, which a REST instance describes', async () => {
    const door = await connected({ settings: { groupInitialRebalanceDelayMs: 30 } })
    await door.topic({ name: 't', partitions: 4 })
    const [a, b] = [await newMember(door), await newMember(door)]
    const shares = await settle(a, b)
    expect(shares.map((share) => share.length)).toEqual([2, 2])
    expect([await a.beat(), await b.beat()]).toEqual([0, 0])
  })
})

describe('a wait of a group that is longer than a call', () => {
  const slowGroup = () => connected({ clock: hasty(), settings: { groupInitialRebalanceDelayMs: 50_000 } })

  it.each([3, 9])('is asked for again without the client noticing (JoinGroup v%i)', async (version) => {
    const door = await slowGroup()
    await door.topic({ name: 't' })
    const member = await newMember(door, { sessionTimeoutMs: 1_000_000 })
    expect(await member.join(version)).toMatchObject({ errorCode: 0, generationId: 1, leader: member.memberId })
    // Each time as the same member: there is no other.
    expect(member.reply.members.length).toBe(1)
    expect(door.asked.filter((api) => api === 'joinGroup').length).toBeGreaterThanOrEqual(version === 3 ? 2 : 3)
  })
})

/** Looks for new records get no answer from here on; asking again after a produce does. */
function noLooksUntilProduced(door: Connected): { readonly looked: () => boolean } {
  let isProduced = false
  let looks = 0
  door.instead = async (api, call) => {
    if (api === 'fetch' && !isProduced) await new Promise(() => looks++)
    const result = await call()
    if (api === 'produce') isProduced = true
    return result
  }
  return { looked: () => looks > 0 }
}

describe('a fetch that waits', () => {
  it('is woken at once by what comes through the same port, without another look', async () => {
    const door = await connected()
    await door.topic({ name: 't' })
    const [consumer, producer] = [await door.client(), await door.client()]
    await fetch(consumer, 't', 0, { maxWaitMs: 100 })
    const { looked } = noLooksUntilProduced(door)
    const waiting = fetch(consumer, 't', 0, { maxWaitMs: 50_000 })
    await until(looked)
    await produce(producer, 't', 'a')
    expect(await waiting).toMatchObject({ high: 1 })
  })

  it('by a topic’s id is woken by a produce by its name, once metadata went by', async () => {
    const door = await connected()
    const topicId = await door.topic({ name: 't' })
    const [consumer, producer] = [await door.client(), await door.client()]
    await producer.call('metadata', { topics: [{ name: 't' }] })
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }]
    const ask = (maxWaitMs: number) =>
      consumer.call('fetch', { maxWaitMs, minBytes: 1, topics: [{ topicId, partitions }] }, 16)
    await ask(100)
    const { looked } = noLooksUntilProduced(door)
    const waiting = ask(50_000)
    await until(looked)
    await produce(producer, 't', 'a')
    expect((await waiting).responses[0]?.partitions[0]?.highWatermark).toBe(1)
  })

  it('finds by the poll what came another way', async () => {
    const door = await connected()
    await door.topic({ name: 't' })
    const consumer = await door.client()
    const waiting = fetch(consumer, 't', 0, { maxWaitMs: 50_000 })
    await until(() => door.asked.includes('fetch'))
    await produceJson(door.http, '/topics/t', [{ value: 'x' }])
    expect(await waiting).toMatchObject({ high: 1 })
  })

  it('shares its looks with all others', async () => {
    const door = await connected({ longestPauseMs: 200 })
    await door.topic({ name: 't', partitions: 10 })
    const clients = await Promise.all(Array.from({ length: 10 }, () => door.client()))
    const askAll = () =>
      Promise.all(clients.map((client, partition) => fetch(client, 't', 0, { maxWaitMs: 300, partition })))
    await askAll()
    const before = door.asked.length
    const beganMs = systemClock.uptime()
    for (let round = 0; round < 4; round++) await askAll()
    const looks = door.asked.length - before
    // Forty fetches, but about five looks a second; on their own they would be 40 at least.
    expect(looks).toBeLessThanOrEqual((systemClock.uptime() - beganMs) / 100 + 3)
    const waiting = Promise.all(
      clients.map((client, partition) => fetch(client, 't', 0, { maxWaitMs: 20_000, partition })),
    )
    const records = Array.from({ length: 10 }, (_, partition) => ({ partition, value: 'x' }))
    await produceJson(door.http, '/topics/t', records)
    expect((await waiting).map(({ high }) => high)).toEqual(Array(10).fill(1))
  })

  it('is told of an error at once', async () => {
    const door = await connected()
    await door.topic({ name: 't' })
    const answer = await fetch(await door.client(), 't', 5, { maxWaitMs: 50_000 })
    expect(answer.error).toBe(code('OFFSET_OUT_OF_RANGE'))
  })
})

describe('connect, killed and started again', () => {
  it('loses nothing: members, positions and records are where they were', async () => {
    const door = await connected({ settings: { groupInitialRebalanceDelayMs: 30 } })
    await door.topic({ name: 't', partitions: 2 })
    const member = await newMember(door)
    await settle(member)
    await produce(await door.client(), 't', 'a')
    expect(await member.commit(0, 1)).toBe(0)
    const waiting = fetch(await door.client(), 't', 1, { maxWaitMs: 50_000 }).catch((error) => String(error))
    await until(() => door.asked.includes('fetch'))
    await door.restart()
    await waiting
    const { memberId, reply } = member
    const client = await door.client()
    const beat = { groupId: 'g', generationId: reply.generationId, memberId }
    expect((await client.call('heartbeat', beat)).errorCode).toBe(0)
    expect(await produce(client, 't', 'b')).toMatchObject({ baseOffset: 1 })
    expect(await fetch(client, 't', 0)).toMatchObject({ high: 2 })
  })
})

describe('a call that fails', () => {
  const isLost = () => Promise.resolve({ statusCode: 503, body: '{"message":"Service Unavailable"}' })

  it('is made again where that is safe', async () => {
    const door = await connected()
    await door.topic({ name: 't' })
    let failures = 2
    door.instead = (_api, call) => (failures-- > 0 ? isLost() : call())
    expect(await fetch(await door.client(), 't', 0)).toMatchObject({ error: 0 })
  })

  it('of a producer without ids closes the connection: whether it was done is not known, and it is not done again', async () => {
    const door = await connected()
    await door.topic({ name: 't' })
    const client = await door.client()
    door.instead = async (api, call) => {
      const done = await call()
      return api === 'produce' ? isLost() : done
    }
    client.send('produce', produceTo('t', batchOf(['a'])), 9)
    await client.closed
    expect(door.asked.filter((api) => api === 'produce').length).toBe(1)
    expect(door.told.join()).toContain('503')
    door.instead = (_api, call) => call()
    expect(await fetch(await door.client(), 't', 0)).toMatchObject({ high: 1 })
  })

  it('of an idempotent producer is made again, and appended once', async () => {
    const door = await connected()
    await door.topic({ name: 't' })
    const client = await door.client()
    const { producerId, producerEpoch } = await client.call('initProducerId', {
      transactionalId: null,
      transactionTimeoutMs: 0,
    })
    const batch = Buffer.from(batchOf(['a']))
    batch.writeBigInt64BE(BigInt(producerId), layout.producerId)
    batch.writeInt16BE(producerEpoch, layout.producerEpoch)
    batch.writeInt32BE(0, layout.baseSequence)
    batch.writeUInt32BE(crc32c(batch.subarray(layout.attributes)), layout.crc)
    let lost = 1
    door.instead = async (api, call) => {
      const done = await call()
      return api === 'produce' && lost-- > 0 ? isLost() : done
    }
    const { responses } = await client.call('produce', produceTo('t', batch), 9)
    expect(responses[0]?.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(door.asked.filter((api) => api === 'produce').length).toBe(2)
    expect(await fetch(client, 't', 0)).toMatchObject({ high: 1 })
  })

  it('for want of a permission says so, and closes the connection', async () => {
    const door = await connected()
    door.instead = async () => ({ statusCode: 403, body: '{"Message":"User: x is not authorized"}' })
    const client = await door.client()
    client.send('apiVersions', { clientSoftwareName: 'test', clientSoftwareVersion: '1' })
    await client.closed
    expect(door.told).toEqual([expect.stringMatching(/403: User: x is not authorized .*execute-api:Invoke/)])
  })

  it('because it is too large is answered as Kafka does', async () => {
    const door = await connected()
    await door.topic({ name: 't' })
    const client = await door.client()
    const answer = await produce(client, 't', 'x'.repeat(5 * 1024 * 1024))
    expect(answer).toMatchObject({
      errorCode: code('MESSAGE_TOO_LARGE'),
      errorMessage: expect.stringContaining('4194304'),
    })
    expect(door.asked).not.toContain('produce')
  })

  it('because of one partition that brings too much is told of that alone: the others of a large request go in parts', async () => {
    const door = await connected()
    await door.topic({ name: 't', partitions: 8 })
    await door.topic({ name: 'u' })
    const client = await door.client()
    const bring = (index: number, size: number) => ({ index, records: batchOf([String(index).repeat(size)]) })
    const megabyte = 1_000_000
    const { responses } = await client.call(
      'produce',
      {
        acks: -1,
        timeoutMs: 1_000,
        topicData: [
          {
            name: 't',
            partitionData: [5, 4, 0, 1, 2, 3, 6, 9].map((at) => bring(at, at === 4 ? 5 * megabyte : megabyte)),
          },
          { name: 'u', partitionData: [bring(0, 10)] },
        ],
      },
      12,
    )
    const told = responses.map(({ name, partitionResponses }) => [
      name,
      partitionResponses.map(({ index, errorCode }) => [index, errorCode]),
    ])
    const [tooLarge, unknown] = [code('MESSAGE_TOO_LARGE'), code('UNKNOWN_TOPIC_OR_PARTITION')]
    const ofT = [
      [5, 0],
      [4, tooLarge],
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
      [6, 0],
      [9, unknown],
    ]
    expect(told).toEqual([
      ['t', ofT],
      ['u', [[0, 0]]],
    ])
    for (const partition of [0, 6]) expect(await fetch(client, 't', 0, { partition })).toMatchObject({ high: 1 })
    expect(door.asked.filter((api) => api === 'produce')).toHaveLength(3)
  })

  it('closes the connection where the bytes are no request', async () => {
    const door = await connected()
    const client = await door.client()
    client.write(Buffer.from([0, 0, 0, 10, 0, 3, 0, 9, 0, 0, 0, 1, 0xff, 0xff]))
    await client.closed
  })
})

it('calls go signed where there is something to sign with', async () => {
  const door = await connected({ sign: async (_url, headers) => ({ ...headers, authorization: 'signed' }) })
  await door.topic({ name: 't' })
  expect(await fetch(await door.client(), 't', 0)).toMatchObject({ error: 0 })
})
