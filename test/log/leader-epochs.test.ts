import { expect, test } from 'vitest'
import { append } from '../../src/log/append.ts'
import { createTopic, deleteTopic, type Topic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { batchOf, coreOver, failure, only, readAll, send, text } from './core.ts'
import { type Fate, overBadNetwork } from './faults.ts'

/** Appends as the leader of an epoch; the base offset, or the error's name. */
async function lead(core: Core, topic: Topic, leaderEpoch: number, value: string): Promise<number | string> {
  const outcome = only(await append(core, topic, [{ partition: 0, records: batchOf([value]), leaderEpoch }]))
  return 'error' in outcome ? failure(outcome) : outcome.baseOffset
}

async function newTopic() {
  const stores = memoryStores()
  const core = coreOver(stores)
  return { stores, core, topic: await createTopic(core, { name: 'orders' }) }
}

const valuesIn = async (core: Core, topic: Topic) => (await readAll(core, topic, 0)).map(text)

test('once another has appended in a greater epoch, an old leader appends nothing, and is told so', async () => {
  const { core, topic } = await newTopic()
  expect(await lead(core, topic, 3, 'a')).toBe(0)
  expect(await lead(core, topic, 3, 'b')).toBe(1)
  expect(await lead(core, topic, 5, 'c')).toBe(2)
  expect(await lead(core, topic, 3, 'd')).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(await lead(core, topic, 4, 'd')).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(await valuesIn(core, topic)).toEqual(['a', 'b', 'c'])
})

test('doors that lead nothing append beside leaders, and change no epoch', async () => {
  const { core, topic } = await newTopic()
  expect(await lead(core, topic, 7, 'a')).toBe(0)
  expect(await send(core, topic, 0, ['b'])).toBe(1)
  expect(await lead(core, topic, 7, 'c')).toBe(2)
  expect(await lead(core, topic, 6, 'd')).toBe('NOT_LEADER_OR_FOLLOWER')
})

test('a refusal is a promise: no copy of what an old leader sent applies afterwards', async () => {
  const { stores, core, topic } = await newTopic()
  const { items, late } = overBadNetwork(stores.items, (_, count) => (count === 0 ? 'request lost' : 'goes well'))
  const old = coreOver({ ...stores, items })
  const takenOver = { ...old, clock: { ...old.clock, sleep: async () => void (await lead(core, topic, 2, 'new')) } }
  expect(await lead(takenOver, topic, 1, 'old')).toBe('NOT_LEADER_OR_FOLLOWER')
  for (const copy of late) expect((await copy()).applied).toBe(false)
  expect(await valuesIn(core, topic)).toEqual(['new'])
})

test.each<[string, number]>([
  ['in the tail', 1],
  ['in the index by then', 120],
])('an append that did apply before another took over is acknowledged: it is %s', async (_where, others) => {
  const { stores, core, topic } = await newTopic()
  const fate = (_key: unknown, count: number): Fate => (count === 0 ? 'answer lost' : 'goes well')
  const old = coreOver({ ...stores, items: overBadNetwork(stores.items, fate).items })
  const takeOver = async () => {
    for (let count = 0; count < others; count++) await lead(core, topic, 2, `new ${count}`)
  }
  let meanwhile = takeOver
  const sleep = async () => {
    const work = meanwhile
    meanwhile = async () => {}
    await work()
  }
  expect(await lead({ ...old, clock: { ...old.clock, sleep } }, topic, 1, 'old')).toBe(0)
  const values = await valuesIn(core, topic)
  expect(values.filter((value) => value === 'old')).toEqual(['old'])
  expect(values).toHaveLength(others + 1)
})

test('an epoch is a partition of one topic: it is not carried into another that bears the name by now', async () => {
  const { stores, core, topic } = await newTopic()
  await deleteTopic(coreOver(stores), 'orders', topic.id)
  const again = await createTopic(coreOver(stores), { name: 'orders' })
  expect(await lead(core, topic, 9, 'a')).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(await lead(core, again, 1, 'b')).toBe(0)
})
