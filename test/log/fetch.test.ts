import { expect, test } from 'vitest'
import { fetch } from '../../src/log/fetch.ts'
import { createTopic, deleteTopic } from '../../src/log/topics.ts'
import { decodeBatch } from '../../src/protocol/records/batch.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import type { Query } from '../../src/store/items.ts'
import { coreOver, failure, fetchOne, freshCore, only, readAll, send, text } from './core.ts'

const mixed = ['t', 'x'.repeat(1_000), 'u', 'y'.repeat(20_000), 'v', 'w'.repeat(300)]

test('reading from any offset, with any limit of bytes, gives every record from there on in order', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  const values: string[] = []
  for (let count = 0; count < 150; count++) {
    const value = `${count}:${mixed[count % mixed.length]}`
    values.push(value)
    await send(core, topic, 0, [value])
  }
  for (const maxBytes of [0, 100, 5_000, 1_000_000]) {
    for (const offset of [0, 1, 77, 149]) {
      expect((await readAll(core, topic, 0, offset, maxBytes)).map(text)).toEqual(values.slice(offset))
    }
  }
})

test('a batch is never left behind for being larger than the limit', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  await send(core, topic, 0, ['x'.repeat(100_000)])
  expect((await readAll(core, topic, 0, 0, 10)).length).toBe(1)
})

test('an offset beyond the end or before the start is out of range', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  await send(core, topic, 0, ['a'])
  expect(failure(await fetchOne(core, topic, 0, 2))).toBe('OFFSET_OUT_OF_RANGE')
  expect(failure(await fetchOne(core, topic, 0, -1))).toBe('OFFSET_OUT_OF_RANGE')
  expect(failure(await fetchOne(core, topic, 9, 0))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
})

test('a reader that waits at the end is woken by the next append, of this server or another', async () => {
  const stores = memoryStores()
  const core = coreOver(stores)
  const topic = await createTopic(core, { name: 'orders' })
  for (const writer of [core, coreOver(stores)]) {
    const offset = (await readAll(core, topic, 0)).length
    const wanted = { partitions: [{ topic, partition: 0, offset, maxBytes: 1_000 }], maxBytes: 1_000 }
    const waiting = fetch(core, { ...wanted, minBytes: 1, maxWaitMs: 60_000 })
    await send(writer, topic, 0, ['news'])
    expect(only(await waiting)).toMatchObject({ highWatermark: offset + 1 })
  }
})

test('a wait for more bytes than come ends in time with what there is', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  await send(core, topic, 0, ['a'])
  const wanted = { partitions: [{ topic, partition: 0, offset: 0, maxBytes: 1_000 }], maxBytes: 1_000 }
  const fetched = only(await fetch(core, { ...wanted, minBytes: 100_000, maxWaitMs: 30 }))
  expect('batches' in fetched && fetched.batches.length).toBe(1)
})

test('the byte limit is shared: what the first partition takes is not there for the next', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders', partitions: 2 })
  for (const partition of [0, 1])
    for (let count = 0; count < 5; count++) await send(core, topic, partition, ['x'.repeat(900)])
  const partitions = [0, 1].map((partition) => ({ topic, partition, offset: 0, maxBytes: 1_000_000 }))
  const bytes = async (maxBytes: number) =>
    (await fetch(core, { partitions, maxBytes, minBytes: 1, maxWaitMs: 0 })).map((one) =>
      'batches' in one ? one.batches.length : -1,
    )
  expect(await bytes(3_500)).toEqual([3, 0])
  expect(await bytes(7_500)).toEqual([5, 2])
  expect(await bytes(100_000)).toEqual([5, 5])
})

test('a topic created anew is read anew by a server that still remembers the old one', async () => {
  const stores = memoryStores()
  const [one, other] = [coreOver(stores), coreOver(stores)]
  const old = await createTopic(one, { name: 'orders' })
  await send(one, old, 0, ['old'])
  await deleteTopic(other, 'orders')
  expect(failure(await fetchOne(one, old, 0, 0))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  await createTopic(other, { name: 'orders' })
  await send(one, old, 0, ['new'])
  expect((await readAll(one, old, 0)).map(text)).toEqual(['new'])
})

test('an answer’s end is never before its own records, however many are appended while it is read', async () => {
  const stores = memoryStores()
  const writer = coreOver(stores)
  const topic = await createTopic(writer, { name: 'orders' })
  const sendMany = async () => {
    for (let count = 0; count < 60; count++) await send(writer, topic, 0, [`${count}`])
  }
  await sendMany()
  // The head was read before, the index is read after.
  const query = async (wanted: Query) => {
    await sendMany()
    return stores.items.query(wanted)
  }
  const fetched = await fetchOne(coreOver({ ...stores, items: { ...stores.items, query } }), topic, 0, 0)
  if ('error' in fetched) throw fetched.error
  const records = await Promise.all(fetched.batches.map((batch) => decodeBatch(batch)))
  const last = records.flat().at(-1)?.offset ?? -1
  expect(last).toBeGreaterThan(60)
  expect(fetched.highWatermark).toBeGreaterThan(last)
})
