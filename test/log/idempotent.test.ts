import { expect, test } from 'vitest'
import { append } from '../../src/log/append.ts'
import { describeProducers } from '../../src/log/describe-producers.ts'
import { headKey } from '../../src/log/keys.ts'
import { createTopic, deleteTopic, type Topic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { ItemStore, Key, Update } from '../../src/store/items.ts'
import { itemBytes } from '../../src/store/sizes.ts'
import { batchOf, coreOver, failure, freshCore, only, readAll, send, text } from './core.ts'
import { overBadNetwork } from './faults.ts'
import { producerBatch, sendAs } from './producer.ts'

const orders = (core: Core) => createTopic(core, { name: 'orders' })
const contents = async (core: Core, topic: Topic) => (await readAll(core, topic, 0)).map(text)
const headOf = async (core: Core, topic: Topic) =>
  (await core.items.get(headKey({ topicId: topic.id, partition: 0 }))) ?? {}
const inHead = async (core: Core, topic: Topic) =>
  Object.keys(await headOf(core, topic)).filter((name) => name.length > 1).length

/** The same core, so many minutes later. */
const later = (core: Core, minutes: number): Core => ({
  ...core,
  clock: { ...core.clock, now: () => core.clock.now() + minutes * 60_000 },
})

/** Fills the tail, so that it spills, and idle producers with it. */
async function crowd(core: Core, topic: Topic, appends = 12) {
  for (let count = 0; count < appends; count++) await send(core, topic, 0, ['other'])
}

/**
 * Sends 0 to `last`, one record each, so that producer 1 stands there, and makes it leave the head eleven minutes later. Who appends
 * by an earlier clock after that may meet the horizon of those from its future.
 */
async function spilled(core: Core, topic: Topic, last = 2, producer = 1) {
  for (let sequence = 0; sequence <= last; sequence++)
    await sendAs(core, topic, { producer, sequence, values: [`${producer}:${sequence}`] })
  await crowd(later(core, 11), topic)
  expect(await inHead(core, topic)).toBe(0)
}

test('every producer id can be used', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  for (let producer = 0; producer < 1_500; producer++) {
    const sent = { producer, sequence: 0, values: [String(producer)] }
    expect(await sendAs(core, topic, sent)).toBe(producer)
    expect(await sendAs(core, topic, sent)).toBe(producer)
  }
})

test('five batches in flight go in order, and each sent again is answered with its offset', async () => {
  const core = freshCore()
  const topic = await orders(core)
  const five = Array.from({ length: 5 }, (_, at) => ({ producer: 7, sequence: at * 2, values: [`${at}a`, `${at}b`] }))
  expect(await Promise.all(five.map((sent) => sendAs(core, topic, sent)))).toEqual([0, 2, 4, 6, 8])
  const other = { ...core, memory: freshCore().memory }
  expect(await Promise.all(five.map((sent) => sendAs(other, topic, sent)))).toEqual([0, 2, 4, 6, 8])
  expect(await contents(core, topic)).toEqual(five.flatMap(({ values }) => values))
})

test('a batch whose answer never came is found by another server, also after it has left the head', async () => {
  const stores = memoryStores()
  const plain = coreOver(stores)
  const topic = await orders(plain)
  const { items } = overBadNetwork(stores.items, (_, count) => (count === 0 ? 'answer lost' : 'request lost'))
  const deaf = coreOver({ ...stores, items }, { appendTimeoutMs: 1 })
  const first = { producer: 1, sequence: 0, values: ['first'] }
  expect(await sendAs(deaf, topic, first)).toBe('REQUEST_TIMED_OUT')
  await crowd(plain, topic, 100)
  expect(await sendAs(coreOver(stores), topic, first)).toBe(0)
  expect(await sendAs(plain, topic, { producer: 1, sequence: 1, values: ['second'] })).toBe(101)
  expect((await contents(plain, topic)).filter((value) => value === 'first')).toEqual(['first'])
})

test('a batch too long ago to be found is told as a duplicate, and not appended', async () => {
  const core = freshCore()
  const topic = await orders(core)
  for (let sequence = 0; sequence < 3; sequence++) await sendAs(core, topic, { producer: 1, sequence, values: ['x'] })
  // Not as it was sent before: its records are there, but no ref is this batch.
  expect(await sendAs(core, topic, { producer: 1, sequence: 0, values: ['x', 'x'] })).toBe('DUPLICATE_SEQUENCE_NUMBER')
  expect(await contents(core, topic)).toHaveLength(3)
})

test('gaps, overlaps and unknown producers in the middle of their sequence are refused, and nothing is visible', async () => {
  const core = freshCore()
  const topic = await orders(core)
  expect(await sendAs(core, topic, { producer: 1, sequence: 5, values: ['x'] })).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(await sendAs(core, topic, { producer: 1, sequence: 0, values: ['a', 'b'] })).toBe(0)
  expect(await sendAs(core, topic, { producer: 1, sequence: 3, values: ['x'] })).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(await sendAs(core, topic, { producer: 1, sequence: 1, values: ['x', 'y'] })).toBe(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
  )
  expect(await sendAs(core, topic, { producer: 1, sequence: 2, values: ['c'] })).toBe(2)
  expect(await contents(core, topic)).toEqual(['a', 'b', 'c'])
})

test('a new epoch begins at 0, and the old one is over', async () => {
  const core = freshCore()
  const topic = await orders(core)
  await sendAs(core, topic, { producer: 1, sequence: 0, values: ['a'] })
  expect(await sendAs(core, topic, { producer: 1, epoch: 2, sequence: 1, values: ['x'] })).toBe(
    'OUT_OF_ORDER_SEQUENCE_NUMBER',
  )
  expect(await sendAs(core, topic, { producer: 1, epoch: 2, sequence: 0, values: ['b'] })).toBe(1)
  expect(await sendAs(core, topic, { producer: 1, sequence: 1, values: ['x'] })).toBe('INVALID_PRODUCER_EPOCH')
  expect(await sendAs(core, topic, { producer: 1, epoch: 2, sequence: 1, values: ['c'] })).toBe(2)
  expect(await contents(core, topic)).toEqual(['a', 'b', 'c'])
})

/** As if the producer had sent 2^31 - 2 records already. */
async function nearTheEnd(core: Core, topic: Topic) {
  await sendAs(core, topic, { producer: 1, sequence: 0, values: ['first'] })
  const to = new Uint8Array([0, 0, 0x7f, 0xff, 0xff, 0xfd, 0, 0, 0])
  await core.items.update(headKey({ topicId: topic.id, partition: 0 }), { patches: [{ set: 'p1', to }] })
}

test('sequences go on from 2^31 - 1 to 0', async () => {
  const core = freshCore()
  const topic = await orders(core)
  await nearTheEnd(core, topic)
  const around = { producer: 1, sequence: 2 ** 31 - 2, values: ['a', 'b', 'c'] }
  expect(await sendAs(core, topic, around)).toBe(1)
  expect(await sendAs(core, topic, { producer: 1, sequence: 1, values: ['d'] })).toBe(4)
  expect(await sendAs(core, topic, around)).toBe(1)
  await nearTheEnd(core, topic)
  expect(await sendAs(core, topic, { producer: 1, sequence: 2 ** 31 - 2, values: ['e', 'f'] })).toBe(5)
  expect(await sendAs(core, topic, { producer: 1, sequence: 0, values: ['g'] })).toBe(7)
})

test('several batches of one producer for one partition are one; other producers’ among them are refused', async () => {
  const core = freshCore()
  const topic = await orders(core)
  const batch = (producer: number, sequence: number, value: string) =>
    producerBatch({ producer, sequence, values: [value] })
  const both = (...batches: Uint8Array[]) => append(core, topic, [{ partition: 0, records: Buffer.concat(batches) }])
  const run = [batch(1, 0, 'a'), batch(1, 1, 'b'), batch(1, 2, 'c')]
  expect(only(await both(...run))).toMatchObject({ baseOffset: 0 })
  expect(only(await both(...run))).toMatchObject({ baseOffset: 0 })
  expect(await sendAs(core, topic, { producer: 1, sequence: 3, values: ['d'] })).toBe(3)
  for (const wrong of [
    [batch(1, 4, 'x'), batch(1, 6, 'x')],
    [batch(1, 4, 'x'), batch(2, 0, 'x')],
    [batch(1, 4, 'x'), batchOf(['x'])],
    [batchOf(['x']), batch(1, 4, 'x')],
  ]) {
    expect(failure(only(await both(...wrong)))).toBe('INVALID_RECORD')
  }
  expect(failure(only(await both(producerBatch({ producer: 1, epoch: -1, sequence: 4, values: ['x'] }))))).toBe(
    'INVALID_RECORD',
  )
  expect(await contents(core, topic)).toEqual(['a', 'b', 'c', 'd'])
})

test('each partition of a request is answered on its own, also where the bytes lie in one blob', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders', partitions: 2 })
  const value = 'x'.repeat(500)
  const records = (sequence: number) => producerBatch({ producer: 1, sequence, values: [value] })
  const outcomes = await append(core, topic, [
    { partition: 0, records: records(0) },
    { partition: 1, records: records(3) },
  ])
  expect(outcomes[0]).toMatchObject({ baseOffset: 0 })
  expect(outcomes.slice(1).map(failure)).toEqual(['OUT_OF_ORDER_SEQUENCE_NUMBER'])
  await crowd(core, topic, 30)
  expect(only(await append(core, topic, [{ partition: 0, records: records(0) }]))).toMatchObject({ baseOffset: 0 })
})

test('an idle producer leaves the head, and goes on where it stood, also through a server that knows nothing', async () => {
  const stores = memoryStores()
  const before = coreOver(stores)
  const topic = await orders(before)
  await spilled(before, topic)
  const core = later(before, 11)
  const cold = () => later(coreOver(stores), 11)
  expect(await sendAs(cold(), topic, { producer: 1, sequence: 1, values: ['1:1'] })).toBe(1)
  expect(await sendAs(cold(), topic, { producer: 1, sequence: 4, values: ['x'] })).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(await sendAs(cold(), topic, { producer: 1, sequence: 3, values: ['1:3'] })).toBe(15)
  expect(await sendAs(core, topic, { producer: 1, sequence: 4, values: ['1:4'] })).toBe(16)
  expect(await inHead(core, topic)).toBe(1)
})

test('a server that remembers a head from before the spill does not take the producer for a new one', async () => {
  const stores = memoryStores()
  const [core, other] = [coreOver(stores), coreOver(stores)]
  const topic = await orders(core)
  // It has seen a head without the producer, and with no spill.
  await sendAs(other, topic, { producer: 2, sequence: 0, values: ['2:0'] })
  await spilled(core, topic)
  expect(await sendAs(later(other, 11), topic, { producer: 1, sequence: 0, values: ['1:0'] })).toBe(1)
  expect((await contents(core, topic)).filter((value) => value === '1:0')).toHaveLength(1)
})

/** The store, which does something else first when an update of this kind comes. */
function interrupted(
  items: ItemStore,
  at: (key: Key, update: Update) => boolean,
  meanwhile: () => Promise<unknown>,
): ItemStore {
  let done = false
  const self: ItemStore = {
    ...items,
    async update(key, update) {
      if (!done && at(key, update)) {
        done = true
        await meanwhile()
      }
      return items.update(key, update)
    },
    metered: () => self,
  }
  return self
}
const isSpill = ({ pk }: Key) => pk.startsWith('s/')
const isForget = ({ pk }: Key, { patches }: Update) => pk.startsWith('h/') && patches.some((patch) => 'remove' in patch)
const isAppend = ({ pk }: Key, { patches }: Update) => pk.startsWith('h/') && patches.some((patch) => 'append' in patch)

test('a producer that goes on while it is being spilled stays in the head', async () => {
  const stores = memoryStores()
  const core = coreOver(stores)
  const topic = await orders(core)
  await sendAs(core, topic, { producer: 1, sequence: 0, values: ['1:0'] })
  await sendAs(core, topic, { producer: 2, sequence: 0, values: ['2:0'] })
  const goesOn = () => sendAs(later(core, 11), topic, { producer: 1, sequence: 1, values: ['1:1'] })
  await crowd(later(coreOver({ ...stores, items: interrupted(stores.items, isForget, goesOn) }), 11), topic)
  expect(await inHead(core, topic)).toBe(1)
  expect(await headOf(core, topic)).toMatchObject({ q: 1 })
  expect(await sendAs(later(coreOver(stores), 11), topic, { producer: 1, sequence: 2, values: ['1:2'] })).toEqual(
    expect.any(Number),
  )
  expect(await sendAs(later(coreOver(stores), 11), topic, { producer: 2, sequence: 1, values: ['2:1'] })).toEqual(
    expect.any(Number),
  )
})

test('a spiller that slept writes no old state over a newer one', async () => {
  const stores = memoryStores()
  const core = coreOver(stores)
  const topic = await orders(core)
  await sendAs(core, topic, { producer: 1, sequence: 0, values: ['1:0'] })
  const meanwhile = async () => {
    await sendAs(core, topic, { producer: 1, sequence: 1, values: ['1:1'] })
    await crowd(later(core, 11), topic)
    expect(await inHead(core, topic)).toBe(0)
  }
  await crowd(later(coreOver({ ...stores, items: interrupted(stores.items, isSpill, meanwhile) }), 11), topic)
  expect(await sendAs(coreOver(stores), topic, { producer: 1, sequence: 1, values: ['1:1'] })).toBe(
    (await contents(core, topic)).indexOf('1:1'),
  )
  expect((await contents(core, topic)).filter((value) => value === '1:1')).toHaveLength(1)
})

test('a producer that comes back and leaves again while its append is on the way is not taken for where it stood before', async () => {
  const stores = memoryStores()
  const before = coreOver(stores)
  const topic = await orders(before)
  await spilled(before, topic)
  const core = later(before, 11)
  const again = { producer: 1, sequence: 3, values: ['1:3'] }
  const meanwhile = async () => {
    expect(await sendAs(core, topic, again)).toEqual(expect.any(Number))
    await crowd(later(core, 11), topic)
    expect(await inHead(core, topic)).toBe(0)
  }
  // It knows the count and the state from before.
  const slow = { ...core, items: interrupted(stores.items, isAppend, meanwhile), memory: freshCore().memory }
  await sendAs({ ...slow, items: stores.items }, topic, { producer: 9, sequence: 0, values: ['9'] })
  expect(await sendAs(slow, topic, again)).toBe((await contents(core, topic)).indexOf('1:3'))
  expect((await contents(core, topic)).filter((value) => value === '1:3')).toHaveLength(1)
})

test('a spiller that dies between its two steps has changed nothing', async () => {
  const stores = memoryStores()
  const topic = await orders(coreOver(stores))
  await sendAs(coreOver(stores), topic, { producer: 1, sequence: 0, values: ['1:0'] })
  const [core, muchLater] = [later(coreOver(stores), 11), later(coreOver(stores), 22)]
  const dead: ItemStore = {
    ...stores.items,
    update: async (key, update) => {
      if (isForget(key, update)) throw new StoreError('unavailable', 'killed')
      return stores.items.update(key, update)
    },
    metered: () => dead,
  }
  await crowd({ ...core, items: dead }, topic)
  expect(await inHead(core, topic)).toBe(1)
  expect(await sendAs(core, topic, { producer: 1, sequence: 1, values: ['1:1'] })).toEqual(expect.any(Number))
  await crowd(muchLater, topic)
  expect(await inHead(core, topic)).toBe(0)
  expect(await sendAs(muchLater, topic, { producer: 1, sequence: 1, values: ['1:1'] })).toBe(
    (await contents(core, topic)).indexOf('1:1'),
  )
  expect(await sendAs(muchLater, topic, { producer: 1, sequence: 2, values: ['1:2'] })).toEqual(expect.any(Number))
})

test('a refusal after a copy was lost is no promise: the copy may still come', async () => {
  const stores = memoryStores()
  const plain = coreOver(stores)
  const topic = await orders(plain)
  await sendAs(plain, topic, { producer: 1, sequence: 0, values: ['a'] })
  const { items, late } = overBadNetwork(stores.items, (_, count) => (count === 0 ? 'request lost' : 'goes well'))
  const third = { producer: 1, sequence: 2, values: ['c'] }
  expect(await sendAs(coreOver({ ...stores, items }), topic, third)).toBe('REQUEST_TIMED_OUT')
  expect(await sendAs(plain, topic, { producer: 1, sequence: 1, values: ['b'] })).toBe(1)
  for (const copy of late) await copy()
  expect(await sendAs(plain, topic, third)).toBe(2)
  for (const copy of late) await copy()
  expect(await contents(plain, topic)).toEqual(['a', 'b', 'c'])
})

test('two hundred producers at once share one partition, in a head of a few KB, with one or two trips an append', async () => {
  const core = freshCore()
  const topic = await orders(core)
  const producers = 200
  for (let sequence = 0; sequence < 3; sequence++) {
    for (let producer = 0; producer < producers; producer++)
      await sendAs(core, topic, { producer: 10_000 + producer, sequence, values: [`${producer}:${sequence}`] })
  }
  expect(await inHead(core, topic)).toBe(producers)
  expect(itemBytes(headKey({ topicId: topic.id, partition: 0 }), await headOf(core, topic))).toBeLessThan(4_096)
})

test('of more producers than the head has room for, those that were quiet longest leave it, and none loses its place', async () => {
  const core = freshCore()
  const topic = await orders(core)
  const producers = 320
  let seconds = 0
  const ticking = { ...core, clock: { ...core.clock, now: () => core.clock.now() + ++seconds * 10 } }
  for (let sequence = 0; sequence < 3; sequence++) {
    for (let producer = 0; producer < producers; producer++) {
      const sent = { producer: 1_000_000 + producer, sequence, values: [`${producer}:${sequence}`] }
      expect(await sendAs(ticking, topic, sent)).toBe(sequence * producers + producer)
    }
  }
  expect(itemBytes(headKey({ topicId: topic.id, partition: 0 }), await headOf(core, topic))).toBeLessThan(5 * 1_024)
})

test('producers are described, those in the head and those that left it', async () => {
  const core = freshCore()
  const topic = await orders(core)
  await sendAs(core, topic, { producer: 5, epoch: 1, sequence: 0, values: ['a', 'b'] })
  await spilled(core, topic, 1, 6)
  await sendAs(later(core, 11), topic, { producer: 7, sequence: 0, values: ['a'] })
  expect(await describeProducers(core, topic, 0)).toMatchObject([
    { producerId: 5, epoch: 1, lastSequence: 1 },
    { producerId: 6, epoch: 0, lastSequence: 1 },
    { producerId: 7, epoch: 0, lastSequence: 0 },
  ])
  for (const { usedMs } of await describeProducers(core, topic, 0))
    expect(Math.abs(usedMs - Date.now())).toBeLessThan(12 * 60_000)
  expect(await describeProducers(later(core, 24 * 60 + 12), topic, 0)).toEqual([])
  await deleteTopic(core, 'orders')
  await expect(describeProducers(core, topic, 0)).rejects.toThrow("Topic 'orders' does not exist")
})
