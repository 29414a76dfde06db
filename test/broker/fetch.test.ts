import { describe, expect, it } from 'vitest'
import { oneNode } from '../../src/broker/cluster-view.ts'
import { deleteTopic } from '../../src/log/topics.ts'
import { decodeBatch } from '../../src/protocol/records/batch.ts'
import { batchOf, type Client, fetchFrom, newest, openDoor, produceTo, type Request, type Response } from './kit.ts'

const byId = (topicId: string, fetchOffset: number): Request<'fetch'> => ({
  maxWaitMs: 0,
  minBytes: 1,
  topics: [{ topicId, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1_048_576 }] }],
})

async function fetched(client: Client, request: Request<'fetch'>, version = 12) {
  const { responses } = await client.call('fetch', request, version)
  const partition = responses[0]?.partitions[0]
  if (!partition) throw new Error('no answer')
  return partition
}

/** `offset value` of every record. */
async function recordsOf({ records }: { readonly records: Uint8Array | null }): Promise<string[]> {
  const found: string[] = []
  let rest = records ?? new Uint8Array(0)
  while (rest.length > 0) {
    const bytes = 12 + Buffer.from(rest.buffer, rest.byteOffset + 8, 4).readInt32BE()
    for (const { offset, value } of await decodeBatch(rest.subarray(0, bytes)))
      found.push(`${offset} ${Buffer.from(value ?? [])}`)
    rest = rest.subarray(bytes)
  }
  return found
}

async function doorWith(...values: string[]) {
  const door = await openDoor()
  const id = await door.topic({ name: 't' })
  const client = await door.client()
  for (const value of values) await client.call('produce', produceTo('t', batchOf([value])), 12)
  return { door, id, client }
}

describe('Fetch', () => {
  it('gives records with their offsets in every version, by name and by id', async () => {
    const { client, id } = await doorWith('a', 'b')
    for (let version = 4; version <= newest('fetch'); version++) {
      const partition = await fetched(client, version < 13 ? fetchFrom('t', 1) : byId(id, 1), version)
      expect(partition).toMatchObject({
        errorCode: 0,
        highWatermark: 2,
        lastStableOffset: 2,
        abortedTransactions: null,
      })
      expect(await recordsOf(partition)).toEqual(['1 b'])
    }
  })

  it('read_committed has a list of aborted transactions, an empty one', async () => {
    const { client } = await doorWith('a')
    expect(await fetched(client, { ...fetchFrom('t', 0), isolationLevel: 1 })).toMatchObject({
      abortedTransactions: [],
    })
  })

  it('at the end gives nothing, after the wait', async () => {
    const { client } = await doorWith('a')
    const partition = await fetched(client, fetchFrom('t', 1, { maxWaitMs: 20 }))
    expect(partition).toMatchObject({ errorCode: 0, highWatermark: 1, logStartOffset: 0 })
    expect(partition.records?.length).toBe(0)
  })

  it('waits for as many bytes as it is told to, and no longer than it is told to', async () => {
    const { client } = await doorWith('a')
    expect(await recordsOf(await fetched(client, fetchFrom('t', 0, { maxWaitMs: 30, minBytes: 1_000 })))).toEqual([
      '0 a',
    ])
  })

  it('keeps to the bytes it may bring, of a partition and of all, but brings one batch at least', async () => {
    const { client } = await doorWith('a', 'b', 'c')
    const batch = batchOf(['a']).length
    const limited = (partitionMaxBytes: number, maxBytes: number) => ({
      ...fetchFrom('t', 0),
      maxBytes,
      topics: [{ topic: 't', partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes }] }],
    })
    const count = async (partitionMaxBytes: number, maxBytes: number) =>
      (await recordsOf(await fetched(client, limited(partitionMaxBytes, maxBytes)))).length
    expect(await count(2 * batch, 1_000)).toBe(2)
    expect(await count(1_000, 2 * batch)).toBe(2)
    expect(await count(1, 1)).toBe(1)
    expect(await count(0, 0)).toBe(1)
  })

  it('of an offset that the log does not have says so at once', async () => {
    const { client } = await doorWith('a')
    for (const offset of [2, -1, 2 ** 63]) {
      const partition = await fetched(client, fetchFrom('t', offset, { maxWaitMs: 3_600_000 }))
      expect(partition).toMatchObject({ errorCode: 1, highWatermark: -1, lastStableOffset: -1, logStartOffset: -1 })
    }
  })

  it('answers what it can beside what it cannot, and does not wait then', async () => {
    const { client } = await doorWith('a')
    const partitions = [0, 1].map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1_000 }))
    const request = {
      ...fetchFrom('t', 0, { maxWaitMs: 3_600_000, minBytes: 100_000 }),
      topics: [
        { topic: 'missing', partitions },
        { topic: 't', partitions: partitions.slice(0, 1) },
      ],
    }
    const { responses } = await client.call('fetch', request, 12)
    expect(responses.map((one) => one.partitions.map(({ errorCode }) => errorCode))).toEqual([[3, 3], [0]])
    expect(await recordsOf(responses[1]?.partitions[0] ?? { records: null })).toEqual(['0 a'])
  })

  it('of more partitions than one look into the store takes', async () => {
    const door = await openDoor()
    await door.topic({ name: 'wide', partitions: 250 })
    const partitions = Array.from({ length: 250 }, (_, partition) => ({
      partition,
      fetchOffset: 0,
      partitionMaxBytes: 100,
    }))
    const request = { ...fetchFrom('wide', 0), topics: [{ topic: 'wide', partitions }] }
    const { responses } = await (await door.client()).call('fetch', request, 12)
    expect(responses[0]?.partitions.map(({ partitionIndex, errorCode }) => `${partitionIndex} ${errorCode}`)).toEqual(
      partitions.map(({ partition }) => `${partition} 0`),
    )
  })

  it('keeps no sessions: a whole request has none, one that goes on with a session is told to begin again', async () => {
    const { client } = await doorWith('a')
    const whole: Response<'fetch'> = await client.call('fetch', { ...fetchFrom('t', 0), sessionEpoch: 0 }, 12)
    expect([whole.errorCode, whole.sessionId]).toEqual([0, 0])
    const going = await client.call('fetch', { ...fetchFrom('t', 0), sessionId: 7, sessionEpoch: 3 }, 12)
    expect([going.errorCode, going.responses]).toEqual([70, []])
    const ending = await client.call('fetch', { ...fetchFrom('t', 0), sessionId: 7, sessionEpoch: -1 }, 12)
    expect(ending.errorCode).toBe(0)
  })

  it('tells a client with an older leader in mind from one with a newer', async () => {
    const door = await openDoor({ view: (port) => ({ ...oneNode('localhost', port), leaderEpochOf: () => 5 }) })
    await door.topic({ name: 't' })
    const client = await door.client()
    const errorAt = async (currentLeaderEpoch: number) => {
      const topics = [
        { topic: 't', partitions: [{ partition: 0, fetchOffset: 0, currentLeaderEpoch, partitionMaxBytes: 9 }] },
      ]
      return (await fetched(client, { ...fetchFrom('t', 0), topics })).errorCode
    }
    expect([await errorAt(-1), await errorAt(5), await errorAt(4), await errorAt(6)]).toEqual([0, 0, 74, 75])
  })

  it('sends a client of another broker’s partition there', async () => {
    const door = await openDoor({
      view: (port) => ({ ...oneNode('localhost', port), leaderOf: () => 9, leaderEpochOf: () => 5 }),
    })
    const id = await door.topic({ name: 't' })
    const { responses, nodeEndpoints } = await (await door.client()).call('fetch', byId(id, 0))
    expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: 6, currentLeader: { leaderId: 9, leaderEpoch: 5 } })
    expect(nodeEndpoints).toEqual([{ nodeId: 1, host: 'localhost', port: door.kafka.port, rack: null }])
  })

  it('by the id of a topic that is gone says that the id is unknown', async () => {
    const { door, client, id } = await doorWith('a')
    expect(await fetched(client, byId(id, 0), 13)).toMatchObject({ errorCode: 0 })
    await deleteTopic(door.core, 't')
    expect(await fetched(client, byId(id, 0), 13)).toMatchObject({ errorCode: 100 })
  })
})
