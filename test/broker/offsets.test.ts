import { describe, expect, it } from 'vitest'
import { oneNode } from '../../src/broker/cluster-view.ts'
import { batchOf, type Client, newest, openDoor, produceTo } from './kit.ts'

async function offsetAt(client: Client, timestamp: number, version = newest('listOffsets'), currentLeaderEpoch = -1) {
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp, currentLeaderEpoch }] }]
  const { topics: answers } = await client.call('listOffsets', { replicaId: -1, topics }, version)
  const { errorCode, offset, timestamp: found, leaderEpoch } = answers[0]?.partitions[0] ?? {}
  return { errorCode, offset, timestamp: found, leaderEpoch }
}

async function clientOver(...timestamps: number[]) {
  const door = await openDoor()
  await door.topic({ name: 't' })
  const client = await door.client()
  for (const at of timestamps) await client.call('produce', produceTo('t', batchOf(['x'], at)), 12)
  return client
}

describe('ListOffsets', () => {
  it('knows start and end in every version', async () => {
    const client = await clientOver(100, 200, 300)
    for (let version = 1; version <= newest('listOffsets'); version++) {
      const leaderEpoch = version < 4 ? -1 : 0
      expect(await offsetAt(client, -1, version)).toEqual({ errorCode: 0, offset: 3, timestamp: -1, leaderEpoch })
      expect(await offsetAt(client, -2, version)).toEqual({ errorCode: 0, offset: 0, timestamp: -1, leaderEpoch })
    }
  })

  it('finds the first record at or after a time', async () => {
    const client = await clientOver(100, 200, 300)
    expect(await offsetAt(client, 150)).toEqual({ errorCode: 0, offset: 1, timestamp: 200, leaderEpoch: 0 })
    expect(await offsetAt(client, 301)).toEqual({ errorCode: 0, offset: -1, timestamp: -1, leaderEpoch: -1 })
  })

  it('finds the greatest timestamp, wherever it is', async () => {
    expect(await offsetAt(await clientOver(100, 300, 200), -3)).toMatchObject({ offset: 1, timestamp: 300 })
    const early = await clientOver(700, 900, ...Array.from({ length: 60 }, (_, at) => at))
    expect(await offsetAt(early, -3)).toMatchObject({ offset: 1, timestamp: 900 })
    expect(await offsetAt(await clientOver(), -3)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1 })
  })

  it('has no tiers: the local log is all there is', async () => {
    const client = await clientOver(100)
    expect(await offsetAt(client, -4)).toMatchObject({ errorCode: 0, offset: 0 })
    expect(await offsetAt(client, -5)).toMatchObject({ errorCode: 0, offset: -1 })
  })

  it('knows no name in a version that is older than it', async () => {
    const client = await clientOver(100)
    for (const [name, version] of [
      [-3, 6],
      [-4, 7],
      [-5, 8],
      [-77, 10],
    ] as const) {
      expect(await offsetAt(client, name, version)).toMatchObject({ errorCode: 35, offset: -1 })
    }
  })

  it('says what is missing, and to whom the leader is another', async () => {
    const door = await openDoor({ view: (port) => ({ ...oneNode('localhost', port), leaderEpochOf: () => 2 }) })
    const client = await door.client()
    expect(await offsetAt(client, -1)).toMatchObject({ errorCode: 3 })
    await door.topic({ name: 't' })
    expect(await offsetAt(client, -1, 10, 1)).toMatchObject({ errorCode: 74 })
    expect(await offsetAt(client, -1, 10, 3)).toMatchObject({ errorCode: 75 })
    expect(await offsetAt(client, -1, 10, 2)).toMatchObject({ errorCode: 0, leaderEpoch: 2 })
  })
})

describe('OffsetForLeaderEpoch', () => {
  it('ends every known epoch at the end of the log, and knows no other', async () => {
    const client = await clientOver(100, 200)
    const ask = async (leaderEpoch: number, currentLeaderEpoch: number, version: number) => {
      const topics = [{ topic: 't', partitions: [{ partition: 0, currentLeaderEpoch, leaderEpoch }] }]
      const answer = await client.call('offsetForLeaderEpoch', { topics }, version)
      return answer.topics[0]?.partitions[0]
    }
    for (let version = 2; version <= newest('offsetForLeaderEpoch'); version++) {
      expect(await ask(0, 0, version)).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 2 })
      expect(await ask(1, -1, version)).toMatchObject({ errorCode: 0, leaderEpoch: -1, endOffset: -1 })
      expect(await ask(0, 1, version)).toMatchObject({ errorCode: 75 })
    }
  })
})
