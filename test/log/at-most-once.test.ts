import fc from 'fast-check'
import { expect, test } from 'vitest'
import { append } from '../../src/log/append.ts'
import { createTopic } from '../../src/log/topics.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { batchOf, coreOver, failure, only, readAll, send, text } from './core.ts'
import { type Fate, overBadNetwork } from './faults.ts'

test('an append whose answer is lost is settled by sending the same ref again, and applies once', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders' })
  const { items } = overBadNetwork(stores.items, (_, count) => (count < 3 ? 'answer lost' : 'goes well'))
  const core = coreOver({ ...stores, items })
  expect(await send(core, topic, 0, ['a'])).toBe(0)
  expect(await send(core, topic, 0, ['b'])).toBe(1)
  expect((await readAll(core, topic, 0)).map(text)).toEqual(['a', 'b'])
})

test('an append that found its own success is not taken for a conflict, even after its ref has left the tail', async () => {
  const stores = memoryStores()
  const other = coreOver(stores)
  const topic = await createTopic(other, { name: 'orders' })
  let meanwhile = async () => {}
  const { items } = overBadNetwork(stores.items, (_, count) => (count === 0 ? 'answer lost' : 'goes well'))
  const core = coreOver({ ...stores, items })
  const slow = { ...core, clock: { ...core.clock, sleep: async () => meanwhile() } }
  meanwhile = async () => {
    meanwhile = async () => {}
    for (let count = 0; count < 300; count++) await send(other, topic, 0, [`other ${count}`])
  }
  expect(await send(slow, topic, 0, ['mine'])).toBe(0)
  const values = (await readAll(other, topic, 0)).map(text)
  expect(values.filter((value) => value === 'mine')).toEqual(['mine'])
  expect(values.length).toBe(301)
})

test('copies that arrive late, however late, change nothing', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders' })
  const { items, late } = overBadNetwork(stores.items, (_, count) => (count % 3 === 0 ? 'request lost' : 'goes well'))
  const core = coreOver({ ...stores, items })
  for (let count = 0; count < 60; count++) await send(core, topic, 0, [String(count)])
  const before = (await readAll(core, topic, 0)).map(text)
  for (const copy of late) await copy()
  expect((await readAll(core, topic, 0)).map(text)).toEqual(before)
  expect(before).toEqual(Array.from({ length: 60 }, (_, count) => String(count)))
})

test('a store that never answers: the outcome is called unknown, never failed', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders' })
  const { items } = overBadNetwork(stores.items, () => 'request lost')
  const core = coreOver({ ...stores, items }, { appendTimeoutMs: 30 })
  expect(failure(only(await append(core, topic, [{ partition: 0, records: batchOf(['a']) }])))).toBe(
    'REQUEST_TIMED_OUT',
  )
})

test('a store that throttles: nothing is appended, and the error says so', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders' })
  const { items } = overBadNetwork(stores.items, () => 'throttled')
  const core = coreOver({ ...stores, items }, { appendTimeoutMs: 30 })
  const outcome = only(await append(core, topic, [{ partition: 0, records: batchOf(['a']) }]))
  expect(failure(outcome)).toBe('THROTTLING_QUOTA_EXCEEDED')
  expect(await readAll(coreOver(stores), topic, 0)).toEqual([])
})

test('whatever the network does, every acknowledged record is there once, where it was acknowledged', async () => {
  const fates: Fate[] = [
    'goes well',
    'goes well',
    'goes well',
    'request lost',
    'answer lost',
    'throttled',
    'answered twice',
  ]
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...fates), { minLength: 20, maxLength: 60 }), async (plan) => {
      const stores = memoryStores()
      const plain = coreOver(stores)
      const topic = await createTopic(plain, { name: 'orders' })
      const { items, late } = overBadNetwork(stores.items, (_, count) => plan[count] ?? 'goes well')
      const acknowledged = new Map<number, string>()
      await Promise.all(
        ['a', 'b', 'c'].map(async (writer) => {
          const core = coreOver({ ...stores, items })
          const hurried = { ...core, clock: { ...core.clock, sleep: async () => {} } }
          for (let count = 0; count < 15; count++) {
            const value = `${writer}${count}`
            acknowledged.set(await send(hurried, topic, 0, [value]), value)
            await late[count]?.()
          }
        }),
      )
      const records = await readAll(plain, topic, 0)
      expect(records.map((record) => record.offset)).toEqual(records.map((_, at) => at))
      expect(records.map(text)).toEqual(records.map((record) => acknowledged.get(record.offset)))
      expect(acknowledged.size).toBe(45)
    }),
    { numRuns: 100 },
  )
})
