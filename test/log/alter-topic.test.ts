import { expect, test } from 'vitest'
import { alterTopicConfigs, increasePartitions, replaceTopicConfigs } from '../../src/log/alter-topic.ts'
import { append } from '../../src/log/append.ts'
import { appendOnce } from '../../src/log/append-once.ts'
import { headKey, jobKey } from '../../src/log/keys.ts'
import { createTopic, deleteTopic, findTopic, knownTopic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { Stores } from '../../src/store/stores.ts'
import { batchOf, coreOver, failure, fetchOne, freshCore, only, readAll, send, text } from './core.ts'

const headOf = (core: Core, topicId: string, partition: number) => core.items.get(headKey({ topicId, partition }))

test('a topic gets more partitions, and what it holds stays', async () => {
  const stores = memoryStores()
  const core = coreOver(stores)
  const topic = await createTopic(core, { name: 'orders', partitions: 2, configs: { 'retention.ms': '-1' } })
  await send(core, topic, 1, ['a'])
  const wider = await increasePartitions(core, 'orders', 5)
  expect(wider).toMatchObject({ id: topic.id, partitions: 5, overrides: { 'retention.ms': '-1' } })
  expect(await findTopic(coreOver(stores), 'orders')).toEqual(wider)
  await send(coreOver(stores), wider, 4, ['b'])
  expect((await readAll(core, wider, 1)).map(text)).toEqual(['a'])
  expect((await readAll(core, wider, 4)).map(text)).toEqual(['b'])
})

test('whoever sees the new number finds every partition', async () => {
  const stores = memoryStores()
  const reader = coreOver(stores)
  await createTopic(reader, { name: 'orders' })
  let done = false
  const increased = increasePartitions(coreOver(stores), 'orders', 300).finally(() => {
    done = true
  })
  while (!done) {
    const seen = await findTopic(reader, 'orders')
    if (seen?.partitions === 300) expect(await headOf(reader, seen.id, 299)).toBeDefined()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await increased
})

test.each([1, 2, 0, 1.5, 1_001])('%d partitions instead of two is refused and changes nothing', async (partitions) => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders', partitions: 2 })
  await expect(increasePartitions(core, 'orders', partitions)).rejects.toMatchObject({ error: 'INVALID_PARTITIONS' })
  expect(await findTopic(core, 'orders')).toEqual(topic)
  await expect(increasePartitions(core, 'none', 3)).rejects.toMatchObject({ error: 'UNKNOWN_TOPIC_OR_PARTITION' })
})

test('increases and changes of configs at once all hold, whoever is quicker', async () => {
  const stores = memoryStores()
  const { id } = await createTopic(coreOver(stores), { name: 'orders', partitions: 1 })
  const wanted = [4, 2, 6, 3]
  const increases = wanted.map((partitions) => increasePartitions(coreOver(stores), 'orders', partitions))
  const changes = ['retention.ms', 'retention.bytes', 'segment.ms'].map((config) =>
    alterTopicConfigs(coreOver(stores), 'orders', { [config]: '77777' }),
  )
  const results = await Promise.allSettled(increases)
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ error: 'INVALID_PARTITIONS' })
  }
  await Promise.all(changes)
  const core = coreOver(stores)
  const topic = await findTopic(core, 'orders')
  expect(topic).toMatchObject({
    partitions: 6,
    overrides: { 'retention.ms': '77777', 'retention.bytes': '77777', 'segment.ms': '77777' },
  })
  for (let partition = 0; partition < 6; partition++) {
    expect(await headOf(core, id, partition)).toMatchObject({ c: topic?.configVersion })
  }
  for (const partitions of wanted) expect(await core.items.get(jobKey(`${id}+${partitions}`))).toBeUndefined()
})

/** Stores whose topic item cannot be written; `lose`: it is written, and the answer is lost. */
function troubled(stores: Stores, lose: boolean, times: number): Stores {
  let left = times
  const around = async <T>(isIt: boolean, write: () => Promise<T>): Promise<T> => {
    if (!isIt || left === 0) return write()
    left--
    if (lose) await write()
    throw new StoreError('unknown-outcome', 'no answer')
  }
  return {
    ...stores,
    items: {
      ...stores.items,
      update: (key, update) => around(key.pk === 'topics', () => stores.items.update(key, update)),
      transact: (actions) => around(true, () => stores.items.transact(actions)),
    },
  }
}

test('an answer that was lost is found again, not taken for another’s change', async () => {
  const stores = memoryStores()
  await createTopic(coreOver(stores), { name: 'orders' })
  expect(await increasePartitions(coreOver(troubled(stores, true, 1)), 'orders', 3)).toMatchObject({ partitions: 3 })
  const altered = await alterTopicConfigs(coreOver(troubled(stores, true, 1)), 'orders', { 'retention.ms': '5' })
  expect(altered).toMatchObject({ configVersion: 2, overrides: { 'retention.ms': '5' } })
})

test('a crash in the middle leaves the topic as it was, and a job; the next increase or deletion does not mind', async () => {
  const stores = memoryStores()
  const core = coreOver(stores)
  const topic = await createTopic(core, { name: 'orders', partitions: 2 })
  const dying = coreOver(troubled(stores, false, 1_000), { appendTimeoutMs: 5 })
  await expect(increasePartitions(dying, 'orders', 4)).rejects.toMatchObject({ trouble: 'unknown-outcome' })
  expect(await findTopic(core, 'orders')).toEqual(topic)
  expect(await core.items.get(jobKey(`${topic.id}+4`))).toMatchObject({ kind: 'add-partitions', name: 'orders', n: 4 })
  await send(core, topic, 0, ['a'])
  const wider = await increasePartitions(core, 'orders', 4)
  expect(await send(core, wider, 3, ['b'])).toBe(0)
  expect(await core.items.get(jobKey(`${topic.id}+4`))).toBeUndefined()
})

test('an increase that meets a deletion leaves no partition behind', async () => {
  const stores = memoryStores()
  const core = coreOver(stores)
  const topic = await createTopic(core, { name: 'orders', partitions: 2 })
  const transact: Stores['items']['transact'] = async (actions) => {
    await deleteTopic(core, 'orders')
    return stores.items.transact(actions)
  }
  const late = coreOver({ ...stores, items: { ...stores.items, transact } })
  await expect(increasePartitions(late, 'orders', 4)).rejects.toMatchObject({ error: 'UNKNOWN_TOPIC_OR_PARTITION' })
  for (let partition = 0; partition < 4; partition++) expect(await headOf(core, topic.id, partition)).toBeUndefined()
  expect(await core.items.get(jobKey(`${topic.id}+4`))).toBeUndefined()
})

test('configs are set and taken back to their defaults, all at once or none', async () => {
  const core = freshCore()
  await createTopic(core, { name: 'orders', configs: { 'retention.ms': '1' } })
  await alterTopicConfigs(core, 'orders', { 'retention.ms': null, 'segment.ms': '5' })
  expect((await findTopic(core, 'orders'))?.overrides).toEqual({ 'segment.ms': '5' })
  for (const bad of [{ 'segment.ms': '6', 'no.such': '1' }, { 'no.such': null }, { 'segment.ms': 'x' }]) {
    await expect(alterTopicConfigs(core, 'orders', bad)).rejects.toMatchObject({ error: 'INVALID_CONFIG' })
  }
  await alterTopicConfigs(core, 'orders', { 'segment.ms': '7' }, { validateOnly: true })
  expect(await findTopic(core, 'orders')).toMatchObject({ overrides: { 'segment.ms': '5' }, configVersion: 1 })
  await replaceTopicConfigs(core, 'orders', { 'retention.bytes': '9' })
  expect(await findTopic(core, 'orders')).toMatchObject({ overrides: { 'retention.bytes': '9' }, configVersion: 2 })
  await replaceTopicConfigs(core, 'orders', { 'retention.bytes': '9' })
  expect((await findTopic(core, 'orders'))?.configVersion).toBe(2)
})

test('another process goes by the new configs and partitions after one append, or one fetch', async () => {
  const stores = memoryStores()
  const writer = coreOver(stores)
  const reader = coreOver(stores)
  const topic = await createTopic(writer, { name: 'orders', partitions: 2 })
  await knownTopic(reader, 'orders')
  await increasePartitions(coreOver(stores), 'orders', 3)
  await alterTopicConfigs(coreOver(stores), 'orders', { 'max.message.bytes': '100' })
  const records = batchOf(['x'.repeat(200)])
  await send(writer, await knownTopic(writer, 'orders'), 0, ['a'])
  await fetchOne(reader, await knownTopic(reader, 'orders'), 0, 0)
  const outcome = only(await append(writer, await knownTopic(writer, 'orders'), [{ partition: 0, records }]))
  expect(failure(outcome)).toBe('MESSAGE_TOO_LARGE')
  expect(await knownTopic(reader, 'orders')).toMatchObject({ partitions: 3 })
  expect((await findTopic(writer, 'orders'))?.configVersion).toBeGreaterThan(topic.configVersion)
})

test('a process that knows too few partitions looks again before it says that there is none', async () => {
  const stores = memoryStores()
  const writer = coreOver(stores)
  const topic = await createTopic(writer, { name: 'orders', partitions: 1 })
  await increasePartitions(coreOver(stores), 'orders', 2)
  expect(await send(writer, topic, 1, ['a'])).toBe(0)
  const outcome = only(await append(writer, topic, [{ partition: 2, records: batchOf(['b']) }]))
  expect(failure(outcome)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
})

test('a request under its key goes where it went before the topic had more partitions', async () => {
  const stores = memoryStores()
  const core = coreOver(stores)
  const topic = await createTopic(core, { name: 'orders', partitions: 2 })
  const key = { key: 'k1', principal: 'alice', fingerprint: Uint8Array.of(1) }
  const lastOf = (partitions: number) => [{ partition: partitions - 1, records: batchOf(['a']) }]
  const first = await appendOnce(core, topic, key, lastOf)
  const wider = await increasePartitions(core, 'orders', 4)
  await alterTopicConfigs(core, 'orders', { 'max.message.bytes': '1' })
  expect(await appendOnce(coreOver(stores), wider, key, lastOf)).toEqual(first)
  expect((await readAll(core, wider, 1)).map(text)).toEqual(['a'])
  expect(await readAll(core, wider, 3)).toEqual([])
})
