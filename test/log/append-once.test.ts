import { expect, test } from 'vitest'
import { appendOnce, onceMs } from '../../src/log/append-once.ts'
import { createTopic } from '../../src/log/topics.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { Key, Update } from '../../src/store/items.ts'
import type { Stores } from '../../src/store/stores.ts'
import { batchOf, coreOver, failure, only, readAll, send, text } from './core.ts'
import { overBadNetwork } from './faults.ts'

const key = { key: 'k1', principal: 'alice', fingerprint: Uint8Array.of(1) }
const requests = (value = 'a') => [
  { partition: 0, records: batchOf([value]) },
  { partition: 1, records: batchOf([`${value}!`.repeat(400)]) },
]

test('the same request under the same key returns the first answer and appends nothing, from any server', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders', partitions: 2 })
  await send(coreOver(stores), topic, 0, ['before'])
  const first = await appendOnce(coreOver(stores), topic, key, requests())
  await send(coreOver(stores), topic, 0, ['after'])
  expect(await appendOnce(coreOver(stores), topic, key, requests())).toEqual(first)
  expect((await readAll(coreOver(stores), topic, 0)).map(text)).toEqual(['before', 'a', 'after'])
})

test('many servers with the same key at once append it once', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders', partitions: 2 })
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => appendOnce(coreOver(stores), topic, key, requests())),
  )
  for (const answer of answers) expect(answer).toEqual(answers[0])
  expect((await readAll(coreOver(stores), topic, 0)).length).toBe(1)
  expect((await readAll(coreOver(stores), topic, 1)).length).toBe(1)
})

test('a server that dies in the middle: the next one finishes what it began', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders', partitions: 2 })
  const { items, late } = overBadNetwork(stores.items, (_, count) => (count === 0 ? 'goes well' : 'request lost'))
  const dying = coreOver({ ...stores, items }, { appendTimeoutMs: 20 })
  const cut = await appendOnce(dying, topic, key, requests())
  expect(cut.map(failure)).toContain('REQUEST_TIMED_OUT')
  const answer = await appendOnce(coreOver(stores), topic, key, requests())
  expect(answer.map(failure)).toEqual(['no error', 'no error'])
  for (const copy of late) await copy()
  expect((await readAll(coreOver(stores), topic, 0)).length).toBe(1)
  expect((await readAll(coreOver(stores), topic, 1)).length).toBe(1)
})

test('an answer that cannot be kept is told all the same, and is found again', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders', partitions: 2 })
  const update = async (at: Key, change: Update) => {
    const keeps = change.patches.some((patch) => 'set' in patch && patch.set === 'a')
    if (keeps) throw new StoreError('throttled', 'slow down')
    return stores.items.update(at, change)
  }
  const forgetful = coreOver({ ...stores, items: { ...stores.items, update } }, { appendTimeoutMs: 20 })
  const first = await appendOnce(forgetful, topic, key, requests())
  expect(first.map(failure)).toEqual(['no error', 'no error'])
  expect(await appendOnce(coreOver(stores), topic, key, requests())).toEqual(first)
  expect((await readAll(coreOver(stores), topic, 0)).length).toBe(1)
})

test('the key used for another request is refused, another principal’s key is another key', async () => {
  const stores = memoryStores()
  const core = coreOver(stores)
  const topic = await createTopic(core, { name: 'orders', partitions: 2 })
  await appendOnce(core, topic, key, requests())
  const other = { ...key, fingerprint: Uint8Array.of(2) }
  await expect(appendOnce(core, topic, other, requests('b'))).rejects.toMatchObject({ error: 'INVALID_REQUEST' })
  await appendOnce(core, topic, { ...other, principal: 'bob' }, requests('b'))
  expect((await readAll(core, topic, 0)).map(text)).toEqual(['a', 'b'])
})

test('after 15 minutes the key is free again', async () => {
  const stores = memoryStores()
  const core = coreOver(stores)
  const topic = await createTopic(core, { name: 'orders', partitions: 2 })
  await appendOnce(core, topic, key, requests())
  const later = { ...core, clock: { ...core.clock, now: () => core.clock.now() + onceMs + 1_000 } }
  await appendOnce(later, topic, { ...key, fingerprint: Uint8Array.of(2) }, [only(requests('b').slice(0, 1))])
  expect((await readAll(core, topic, 0)).map(text)).toEqual(['a', 'b'])
})

/** A server that sleeps for 20 minutes, by its clock, in the first update of this kind; `meanwhile` happens as it sleeps. */
function sleeper(stores: Stores, isWhere: (at: Key) => boolean, meanwhile: () => Promise<unknown>) {
  let sleptMs = 0
  const sleep = async (at: Key) => {
    if (sleptMs > 0 || !isWhere(at)) return
    sleptMs = 20 * 60_000
    await meanwhile()
  }
  const update = async (at: Key, change: Update) => {
    await sleep(at)
    return stores.items.update(at, change)
  }
  const get = async (at: Key) => {
    await sleep(at)
    return stores.items.get(at)
  }
  const core = coreOver({ ...stores, items: { ...stores.items, update, get } })
  const { now, uptime } = core.clock
  return { ...core, clock: { ...core.clock, now: () => now() + sleptMs, uptime: () => uptime() + sleptMs } }
}

test.each([
  ['as it looks for the key', 'once/'],
  ['before it sends to the log', 'h/'],
])('a server asleep for 20 minutes %s, while another does its work, appends nothing again', async (_, prefix) => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders', partitions: 2 })
  const others = () => appendOnce(coreOver(stores), topic, key, requests())
  const asleep = sleeper(stores, ({ pk }) => pk.startsWith(prefix), others)
  const answer = await appendOnce(asleep, topic, key, requests())
  expect(answer.map(failure)).toEqual(['no error', 'no error'])
  expect(await others()).toEqual(answer)
  expect((await readAll(coreOver(stores), topic, 0)).map(text)).toEqual(['a'])
  expect((await readAll(coreOver(stores), topic, 1)).length).toBe(1)
})

test('the 15 minutes count from when the request came, also where the server slept before it turned to the key', async () => {
  const stores = memoryStores()
  const core = coreOver(stores)
  const topic = await createTopic(core, { name: 'orders', partitions: 2 })
  const { now, uptime } = core.clock
  const arrivedUptimeMs = uptime()
  const first = await appendOnce(core, topic, key, requests())
  const later = { now: () => now() + onceMs + 1, uptime: () => uptime() + onceMs + 1 }
  const awake = { ...core, clock: { ...core.clock, ...later } }
  expect(await appendOnce(awake, topic, { ...key, arrivedUptimeMs }, requests())).toEqual(first)
  expect((await readAll(core, topic, 0)).map(text)).toEqual(['a'])
})

test('the 15 minutes are told by a clock that the first answer of a store sets right', async () => {
  const stores = memoryStores()
  const topic = await createTopic(coreOver(stores), { name: 'orders', partitions: 2 })
  const first = await appendOnce(coreOver(stores), topic, key, requests())
  const core = coreOver(stores)
  let wrongMs = 365 * 86_400_000
  const get = async (at: Key) => {
    wrongMs = 0
    return stores.items.get(at)
  }
  const clock = { ...core.clock, now: () => core.clock.now() + wrongMs }
  const fresh = { ...core, clock, items: { ...core.items, get } }
  expect(await appendOnce(fresh, topic, { ...key, arrivedUptimeMs: clock.uptime() }, requests())).toEqual(first)
  expect((await readAll(core, topic, 0)).map(text)).toEqual(['a'])
})
