import { expect, test } from 'vitest'
import { alterTopicConfigs } from '../../src/log/alter-topic.ts'
import { append } from '../../src/log/append.ts'
import { appendOnce } from '../../src/log/append-once.ts'
import { appendTogether } from '../../src/log/append-together.ts'
import { readHead, tailRefs } from '../../src/log/head.ts'
import { blobItemKey, headKey } from '../../src/log/keys.ts'
import { listOffset } from '../../src/log/offsets.ts'
import { createTopic, type Topic } from '../../src/log/topics.ts'
import { encodeBatch } from '../../src/protocol/records/batch.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { ItemStore } from '../../src/store/items.ts'
import { batchOf, coreOver, failure, fetchOne, only, readAll, text } from './core.ts'
import { outcomesOf } from './together.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const beganMs = Date.UTC(2026, 0, 1)

/** A store that forgets, and servers whose clock stands until it is moved. */
function newWorld() {
  let nowMs = beganMs
  const stores = memoryStores(() => nowMs, { forgets: true })
  const clock = {
    now: () => nowMs,
    uptime: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms
    },
  }
  const server = (items: ItemStore = stores.items): Core => ({ ...coreOver({ ...stores, items }), clock })
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { server, stores, pass, now: () => nowMs }
}

/** Large enough for an item of its own. */
const large = (text: string) => text.padEnd(1_000, '.')
const short = (padded: string) => padded.replaceAll('.', '')

const configs = (changes: Readonly<Record<string, string>> = {}) => ({ 'retention.ms': String(dayMs), ...changes })

/** With a key, as compacted topics ask for. */
const keyed = (value: string, timestampMs: number) =>
  encodeBatch([{ timestampMs, key: Buffer.from('k'), value: Buffer.from(value), headers: [] }])

async function put(core: Core, topic: Topic, value: string, timestampMs = core.clock.now()): Promise<number> {
  const outcome = only(await append(core, topic, [{ partition: 0, records: keyed(large(value), timestampMs) }]))
  if ('error' in outcome) throw outcome.error
  return outcome.baseOffset
}

async function headOf(core: Core, { id }: Topic, partition = 0) {
  const place = { topicId: id, partition }
  const item = await core.items.get(headKey(place))
  if (!item) throw new Error('no head')
  return readHead(place, item)
}

/** When the blobs of the tail are forgotten, in hours from the beginning; undefined: never. */
async function ttlHours(core: Core, topic: Topic): Promise<(number | undefined)[]> {
  const refs = tailRefs(await headOf(core, topic))
  const items = await core.items.batchGet(refs.map(({ id }) => blobItemKey(id)))
  return items.map((item) => (item?.ttl === undefined ? undefined : (Number(item.ttl) * 1_000 - beganMs) / hourMs))
}

test.each([
  ['go by age', {}, 72],
  ['go by age, for nothing but the last', { 'retention.ms': '0' }, 48],
  ['never go by age', { 'retention.ms': '-1' }, undefined],
  ['go after ages', { 'retention.ms': '9223372036854775807' }, undefined],
  ['are compacted', { 'cleanup.policy': 'compact' }, undefined],
  ['go by age and are compacted', { 'cleanup.policy': 'compact,delete' }, undefined],
  ['may be years ahead of the clock', { 'message.timestamp.after.max.ms': '99999999999' }, undefined],
])('blobs of a topic whose records %s', async (_, changes, hours) => {
  const { server } = newWorld()
  const core = server()
  const topic = await createTopic(core, { name: 'orders', configs: configs(changes) })
  await put(core, topic, 'a')
  expect(await ttlHours(core, topic)).toEqual([hours])
})

test('a store that does not forget is told nothing', async () => {
  const core = coreOver(memoryStores())
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  await put(core, topic, 'a')
  const [ref] = tailRefs(await headOf(core, topic))
  expect(ref?.ttlVersion).toBeUndefined()
})

test('the newest record of a blob decides, and the append where that is later', async () => {
  const { server } = newWorld()
  const core = server()
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  await put(core, topic, 'old', beganMs - 1_000 * dayMs)
  await put(core, topic, 'ahead', beganMs + hourMs)
  expect(await ttlHours(core, topic)).toEqual([72, 73])
})

test('of several topics in one blob the one that keeps longest decides', async () => {
  const { server } = newWorld()
  const core = server()
  const [days, week, compacted] = await Promise.all([
    createTopic(core, { name: 'days', configs: configs() }),
    createTopic(core, { name: 'week' }),
    createTopic(core, { name: 'compacted', configs: { 'cleanup.policy': 'compact' } }),
  ])
  const together = async (...topics: readonly Topic[]) => {
    const asked = topics.map((topic) => ({
      topic,
      batches: { partition: 0, records: keyed(large(topic.name), beganMs) },
      sameTopicOnly: false,
    }))
    await outcomesOf(appendTogether(core, asked))
  }
  await together(days, week)
  await together(days, compacted)
  expect(await ttlHours(core, days)).toEqual([(7 + 2) * 24, undefined])
})

test('a server that has not heard of a longer retention stores anew what it appends, for good', async () => {
  const { server } = newWorld()
  const [core, stale] = [server(), server()]
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  await put(stale, topic, 'a')
  await alterTopicConfigs(core, 'orders', { 'retention.ms': String(5 * dayMs) })
  expect(await put(stale, topic, 'b')).toBe(1)
  expect(await ttlHours(core, topic)).toEqual([(5 + 2) * 24, undefined])
  expect((await readAll(core, topic, 0)).map((record) => short(text(record)))).toEqual(['a', 'b'])
})

test('what was appended before is kept as long as the new retention says, in the tail and in chunks', async () => {
  const { server, pass } = newWorld()
  const core = server()
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  for (let at = 0; at < 60; at++) await put(core, topic, `r${at}`)
  expect((await headOf(core, topic)).tailStart).toBeGreaterThan(20)
  await alterTopicConfigs(core, 'orders', { 'retention.ms': String(30 * dayMs) })
  pass(29 * dayMs)
  expect(await readAll(server(), topic, 0)).toHaveLength(60)
  await alterTopicConfigs(core, 'orders', { 'cleanup.policy': 'compact' })
  pass(300 * dayMs)
  expect(await readAll(server(), topic, 0)).toHaveLength(60)
})

test('a raise that is not told to every blob is not acknowledged, and holds when it is asked for again', async () => {
  const { server, stores, pass } = newWorld()
  const core = server()
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  for (let at = 0; at < 40; at++) await put(core, topic, `r${at}`)
  let calls = 0
  const failing: ItemStore = {
    ...stores.items,
    update: async (key, update) => {
      if (key.pk.startsWith('b/') && ++calls > 20) throw new StoreError('unavailable', 'no way through')
      return stores.items.update(key, update)
    },
  }
  const raise = { 'retention.ms': String(30 * dayMs) }
  await expect(alterTopicConfigs(server(failing), 'orders', raise)).rejects.toThrow()
  expect((await alterTopicConfigs(core, 'orders', {})).overrides).toEqual(configs())
  await put(server(), topic, 'in between')
  await alterTopicConfigs(core, 'orders', raise)
  pass(29 * dayMs)
  expect(await readAll(server(), topic, 0)).toHaveLength(41)
})

test('a reader that meets what has been forgotten moves the start of the log, and says out of range', async () => {
  const { server, pass } = newWorld()
  const core = server()
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  for (let at = 0; at < 60; at++) await put(core, topic, `old${at}`)
  pass(4 * dayMs)
  const kept = await put(core, topic, 'new')
  const reader = server()
  expect(failure(await fetchOne(reader, topic, 0, 3))).toBe('OFFSET_OUT_OF_RANGE')
  const { offset } = await listOffset(server(), topic, 0, 'earliest')
  expect(offset).toBeGreaterThan(20)
  const rest = await readFromStart(server(), topic)
  expect(rest).toEqual(['new'])
  expect((await listOffset(server(), topic, 0, 'earliest')).offset).toBe(kept)
})

test('a reader that moves the start takes no record without a timestamp for old that was appended since', async () => {
  const { server, pass } = newWorld()
  const core = server()
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  for (let at = 0; at < 40; at++) await put(core, topic, `old${at}`, -1)
  pass(4 * dayMs)
  for (let at = 0; at < 40; at++) await put(core, topic, `new${at}`, -1)
  expect(failure(await fetchOne(server(), topic, 0, 3))).toBe('OFFSET_OUT_OF_RANGE')
  const young = Array.from({ length: 40 }, (_, at) => `new${at}`)
  expect((await readFromStart(server(), topic)).filter((value) => value.startsWith('new'))).toEqual(young)
})

test('a reader that moves the start leaves what a longer retention keeps that is acknowledged meanwhile', async () => {
  const { server, stores, pass } = newWorld()
  const core = server()
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  for (let at = 0; at < 40; at++) await put(core, topic, `gone${at}`)
  pass(2 * dayMs)
  for (let at = 0; at < 40; at++) await put(core, topic, `over${at}`)
  pass(2 * dayMs)
  let isLonger = false
  const items: ItemStore = {
    ...stores.items,
    update: async (key, update) => {
      if (!isLonger && key.pk.startsWith('h/')) {
        isLonger = true
        await alterTopicConfigs(core, 'orders', { 'retention.ms': String(30 * dayMs) })
      }
      return stores.items.update(key, update)
    },
  }
  await fetchOne(server(items), topic, 0, 3)
  expect(isLonger).toBe(true)
  const over = Array.from({ length: 40 }, (_, at) => `over${at}`)
  expect((await readFromStart(server(), topic)).filter((value) => value.startsWith('over'))).toEqual(over)
})

test('a search by time goes on behind what has been forgotten', async () => {
  const { server, pass } = newWorld()
  const core = server()
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  for (let at = 0; at < 60; at++) await put(core, topic, `old${at}`)
  pass(4 * dayMs)
  const kept = await put(core, topic, 'new')
  let found = -1
  // Each answer is right or says that things have moved; no more than a few of them.
  for (let tries = 0; tries < 5 && found < 0; tries++) {
    found = await listOffset(server(), topic, 0, { timestampMs: 1 }).then(
      ({ offset }) => offset,
      () => -1,
    )
  }
  expect(found).toBe(kept)
})

test('what the old retention has let go before it was raised leaves no hole', async () => {
  const { server, pass } = newWorld()
  const core = server()
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  for (let at = 0; at < 60; at++) await put(core, topic, `old${at}`)
  pass(4 * dayMs)
  await put(core, topic, 'new')
  await alterTopicConfigs(core, 'orders', { 'retention.ms': '-1' })
  pass(1_000 * dayMs)
  expect(await readFromStart(server(), topic)).toEqual(['new'])
})

test('a request under an Idempotency-Key is settled by another server after the configs have changed', async () => {
  const { server, stores, pass } = newWorld()
  const core = server()
  const topic = await createTopic(core, { name: 'orders', configs: configs() })
  const idempotency = { key: 'k', principal: 'p', fingerprint: new Uint8Array(32) }
  const batches = [{ partition: 0, records: batchOf([large('once')], beganMs) }]
  const dying: ItemStore = {
    ...stores.items,
    update: async (key, update) => {
      if (key.pk.startsWith('h/')) throw new StoreError('misconfigured', 'died here')
      return stores.items.update(key, update)
    },
  }
  await expect(appendOnce(server(dying), topic, idempotency, batches)).rejects.toThrow('died here')
  await alterTopicConfigs(core, 'orders', { 'retention.ms': '-1' })
  for (let copy = 0; copy < 2; copy++) {
    expect(only(await appendOnce(server(), topic, idempotency, batches))).toMatchObject({ baseOffset: 0 })
  }
  pass(1_000 * dayMs)
  expect((await readAll(server(), topic, 0)).map((record) => short(text(record)))).toEqual(['once'])
})

/** As a consumer with `auto.offset.reset=earliest` reads. */
async function readFromStart(core: Core, topic: Topic): Promise<string[]> {
  for (let tries = 0; tries < 40; tries++) {
    const { offset } = await listOffset(core, topic, 0, 'earliest')
    const fetched = await fetchOne(core, topic, 0, offset)
    if ('error' in fetched) expect(fetched.error.error).toBe('OFFSET_OUT_OF_RANGE')
    else return (await readAll(core, topic, 0, offset)).map((record) => short(text(record)))
  }
  throw new Error('the log never began')
}
