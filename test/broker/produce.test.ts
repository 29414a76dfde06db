import { describe, expect, it } from 'vitest'
import { createTopic, deleteTopic } from '../../src/log/topics.ts'
import { encodeBatch, type NewRecord } from '../../src/protocol/records/batch.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import { newServer, watchedStores } from '../http/kit.ts'
import { batchOf, type Client, newest, openDoor, produceTo, type Request } from './kit.ts'

async function produced(client: Client, request: Request<'produce'>, version = 12) {
  const { responses } = await client.call('produce', request, version)
  return responses[0]?.partitionResponses[0]
}

const byId = (topicId: string, records: Uint8Array, index = 0): Request<'produce'> => ({
  acks: -1,
  timeoutMs: 1_000,
  topicData: [{ topicId, partitionData: [{ index, records }] }],
})

describe('Produce', () => {
  it('appends in every version, by name and by id, and tells the offset', async () => {
    const door = await openDoor()
    const id = await door.topic({ name: 't' })
    const client = await door.client()
    for (let version = 3; version <= newest('produce'); version++) {
      const request = version < 13 ? produceTo('t', batchOf(['a', 'b'])) : byId(id, batchOf(['a', 'b']))
      const answer = await produced(client, request, version)
      expect(answer).toMatchObject({ errorCode: 0, baseOffset: (version - 3) * 2, logAppendTimeMs: -1 })
      expect(answer?.logStartOffset).toBe(version < 5 ? -1 : 0)
    }
  })

  it('tells the log’s time where the log stamps the records', async () => {
    const door = await openDoor()
    await door.topic({ name: 't', configs: { 'message.timestamp.type': 'LogAppendTime' } })
    const answer = await produced(await door.client(), produceTo('t', batchOf(['a'], 5)))
    expect(answer?.logAppendTimeMs).toBeGreaterThan(1_600_000_000_000)
  })

  it('answers each partition by itself', async () => {
    const door = await openDoor()
    await door.topic({ name: 'two', partitions: 2 })
    const broken = batchOf(['a'])
    broken[40] = (broken[40] ?? 0) ^ 1
    const request = {
      acks: 1,
      timeoutMs: 1_000,
      topicData: [
        {
          name: 'two',
          partitionData: [
            { index: 0, records: batchOf(['a']) },
            { index: 1, records: broken },
            { index: 2, records: batchOf(['a']) },
            { index: 0, records: batchOf(['again']) },
          ],
        },
        { name: 'missing', partitionData: [{ index: 0, records: batchOf(['a']) }] },
      ],
    }
    const { responses } = await (await door.client()).call('produce', request, 12)
    expect(responses.map(({ partitionResponses }) => partitionResponses.map((one) => one.errorCode))).toEqual([
      [0, 2, 3, 42],
      [3],
    ])
  })

  const text = (records: Uint8Array) => produceTo('t', records)
  const batch = () => batchOf(['a'])
  const oldMagic = () => {
    const records = batch()
    records[16] = 1
    return records
  }
  const refusals: [what: string, code: number, request: () => Request<'produce'>, version?: number][] = [
    ['acks that nobody has', 21, () => ({ ...text(batch()), acks: 2 })],
    ['a transaction', 53, () => ({ ...text(batch()), transactionalId: 'x' })],
    ['no batch', 87, () => text(new Uint8Array(0))],
    ['two batches', 87, () => text(Buffer.concat([batch(), batch()]))],
    ['an older format', 87, () => text(oldMagic())],
    ['a batch that is cut off', 2, () => text(batch().subarray(0, 65))],
    ['too large a batch', 10, () => text(batchOf(['x'.repeat(1_100_000)]))],
    ['a time far ahead', 32, () => text(batchOf(['a'], Date.now() + 7_200_000))],
    ['a topic whose name cannot be', 3, () => produceTo('no such/topic', batch())],
    ['an id that no topic has', 100, () => byId('abcdefghijklmnopqrstuA', batch()), 13],
  ]
  it.each(refusals)('refuses %s with error %i, with a word why', async (_, code, request, version = 12) => {
    const door = await openDoor()
    await door.topic({ name: 't' })
    const answer = await produced(await door.client(), request(), version)
    expect(answer).toMatchObject({ errorCode: code, baseOffset: -1 })
    expect(answer?.errorMessage).toMatch(/\w/)
    expect(door.reports).toEqual([])
  })

  const nowMs = Date.now()
  const culprits: [what: string, code: number, configs: Record<string, string>, records: NewRecord[]][] = [
    [
      'are far ahead',
      32,
      {},
      [recordAt(nowMs), recordAt(nowMs + 7_200_000), recordAt(nowMs), recordAt(nowMs + 7_300_000)],
    ],
    [
      'are too old',
      32,
      { 'message.timestamp.before.max.ms': '3600000' },
      [recordAt(nowMs), recordAt(nowMs - 5_400_000), recordAt(-1), recordAt(nowMs - 4_800_000)],
    ],
    [
      'have no key where the topic is compacted',
      87,
      { 'cleanup.policy': 'compact' },
      [recordAt(nowMs, 'k'), recordAt(nowMs), recordAt(nowMs, 'k'), recordAt(nowMs)],
    ],
  ]
  it.each(culprits)('tells which records of a batch %s', async (_, code, configs, records) => {
    const door = await openDoor()
    await door.topic({ name: 't', configs })
    const answer = await produced(await door.client(), produceTo('t', encodeBatch(records)))
    const why = { batchIndexErrorMessage: expect.stringMatching(/\w/) }
    expect(answer).toMatchObject({
      errorCode: code,
      recordErrors: [
        { batchIndex: 1, ...why },
        { batchIndex: 3, ...why },
      ],
    })
  })

  it('by id never reaches another topic of the same name', async () => {
    const stores = memoryStores()
    const [door, other] = [await openDoor({ http: newServer(stores) }), newServer(stores)]
    const id = await door.topic({ name: 't' })
    const client = await door.client()
    expect(await produced(client, byId(id, batchOf(['a'])), 13)).toMatchObject({ errorCode: 0 })
    const next = await madeAnew(other.core)
    expect(await produced(client, byId(id, batchOf(['b'])), 13)).toMatchObject({ errorCode: 100 })
    // As every client does that is told so.
    await client.call('metadata', { topics: [{ name: 't' }] })
    expect(await produced(client, byId(next, batchOf(['c'])), 13)).toMatchObject({ errorCode: 0, baseOffset: 0 })
  })

  it('says something that every client tries again while the store is out of reach', async () => {
    const stores = watchedStores()
    const door = await openDoor({ http: newServer(stores, { appendTimeoutMs: 0 }) })
    await door.topic({ name: 't' })
    const client = await door.client()
    for (const trouble of ['throttled', 'unavailable'] as const) {
      stores.trouble = (moment) => {
        if (moment === 'before') throw new StoreError(trouble, 'table secret-name')
      }
      const answer = await produced(client, produceTo('t', batchOf(['a'])))
      expect(answer?.errorCode).toBe(56)
      expect(answer?.errorMessage).not.toContain('secret')
    }
  })
})

function recordAt(timestampMs: number, key?: string): NewRecord {
  return { key: key === undefined ? null : Buffer.from(key), value: Buffer.from('v'), headers: [], timestampMs }
}

async function madeAnew(core: Core): Promise<string> {
  await deleteTopic(core, 't')
  return (await createTopic(core, { name: 't' })).id
}

describe('InitProducerId', () => {
  it('gives every producer an id of its own, also from another broker and after a restart', async () => {
    const stores = memoryStores()
    const doors = [await openDoor({ http: newServer(stores) }), await openDoor({ http: newServer(stores) })]
    const ids: number[] = []
    for (const door of doors) {
      const client = await door.client()
      for (let version = 0; version <= newest('initProducerId'); version++) {
        const answer = await client.call('initProducerId', { transactionalId: null, transactionTimeoutMs: 0 }, version)
        expect(answer).toMatchObject({ errorCode: 0, producerEpoch: 0 })
        ids.push(answer.producerId)
      }
    }
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('takes a block from the store once in a thousand', async () => {
    const stores = watchedStores()
    const client = await (await openDoor({ http: newServer(stores) })).client()
    for (let at = 0; at < 1_001; at++) {
      await client.call('initProducerId', { transactionalId: null, transactionTimeoutMs: 0 })
    }
    expect(stores.writes.length).toBe(2)
  })

  it('has none for transactions', async () => {
    const client = await (await openDoor()).client()
    const errorOf = async (transactionalId: string) =>
      (await client.call('initProducerId', { transactionalId, transactionTimeoutMs: 1 })).errorCode
    expect([await errorOf('tx'), await errorOf('')]).toEqual([53, 42])
  })
})
