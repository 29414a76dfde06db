import { expect, test } from 'vitest'
import { append } from '../../src/log/append.ts'
import { clusterId } from '../../src/log/cluster.ts'
import { headKey } from '../../src/log/keys.ts'
import { createTopic, deleteTopic, findTopic, listTopics, topicToProduceTo } from '../../src/log/topics.ts'
import { encodeBatch } from '../../src/protocol/records/batch.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { batchOf, coreOver, failure, freshCore, only, readAll, send } from './core.ts'

test('topics are listed by name, without a scan, however many', async () => {
  const core = freshCore()
  for (const name of ['b', 'a', 'c.d_e-f']) await createTopic(core, { name })
  expect((await listTopics(core)).map((topic) => topic.name)).toEqual(['a', 'b', 'c.d_e-f'])
})

test('a topic of 1,000 partitions appears whole or not at all', async () => {
  const stores = memoryStores()
  const writer = coreOver(stores)
  const reader = coreOver(stores)
  let done = false
  const created = createTopic(writer, { name: 'wide', partitions: 1_000 }).finally(() => {
    done = true
  })
  while (!done) {
    const seen = await findTopic(reader, 'wide')
    if (seen) expect(await stores.items.get(headKey({ topicId: seen.id, partition: 999 }))).toBeDefined()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const topic = await created
  for (const partition of [0, 500, 999]) await send(reader, topic, partition, ['a'])
})

test('of two creations at once one wins, and the other says that the topic exists', async () => {
  const stores = memoryStores()
  const results = await Promise.allSettled([0, 1, 2].map(() => createTopic(coreOver(stores), { name: 'orders' })))
  expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1)
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ error: 'TOPIC_ALREADY_EXISTS' })
  }
})

test.each([
  [{ name: '' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ name: '..' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ name: 'a/b' }, 'INVALID_TOPIC_EXCEPTION'],
  [{ name: 'x'.repeat(250) }, 'INVALID_TOPIC_EXCEPTION'],
  [{ name: 'a', partitions: 0 }, 'INVALID_PARTITIONS'],
  [{ name: 'a', partitions: 1.5 }, 'INVALID_PARTITIONS'],
  [{ name: 'a', partitions: 1_001 }, 'INVALID_PARTITIONS'],
  [{ name: 'a', configs: { 'retention.hours': '1' } }, 'INVALID_CONFIG'],
  [{ name: 'a', configs: { 'retention.ms': 'soon' } }, 'INVALID_CONFIG'],
  [{ name: 'a', configs: { 'message.timestamp.type': 'Never' } }, 'INVALID_CONFIG'],
])('a bad topic is refused by name and nothing is created: %j', async (wanted, error) => {
  const core = freshCore()
  await expect(createTopic(core, wanted)).rejects.toMatchObject({ error })
  expect(await listTopics(core)).toEqual([])
})

test('a topic is created by the first produce only where settings allow', async () => {
  const topic = await topicToProduceTo(freshCore({ defaultPartitions: 3 }), 'orders')
  expect(topic.partitions).toBe(3)
  const strict = freshCore({ autoCreateTopics: false })
  await expect(topicToProduceTo(strict, 'orders')).rejects.toMatchObject({ error: 'UNKNOWN_TOPIC_OR_PARTITION' })
})

test('when a deletion has been answered, no writer that still knows the topic can append', async () => {
  const stores = memoryStores()
  const writer = coreOver(stores)
  const topic = await createTopic(writer, { name: 'orders', partitions: 3 })
  await send(writer, topic, 0, ['a'])
  await deleteTopic(coreOver(stores), 'orders')
  const outcome = only(await append(writer, topic, [{ partition: 0, records: batchOf(['b']) }]))
  expect(failure(outcome)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  await expect(deleteTopic(writer, 'orders')).rejects.toMatchObject({ error: 'UNKNOWN_TOPIC_OR_PARTITION' })
})

test('timestamps too far ahead are refused, or too old where the topic says so, or replaced by the log’s own', async () => {
  const core = freshCore()
  const now = Date.now()
  const at = async (name: string, configs: Record<string, string>, timestampMs: number) => {
    const topic = (await findTopic(core, name)) ?? (await createTopic(core, { name, configs }))
    const records = encodeBatch([{ timestampMs, key: null, value: null, headers: [] }])
    return { topic, outcome: only(await append(core, topic, [{ partition: 0, records }])) }
  }
  expect(failure((await at('default', {}, now + 3_700_000)).outcome)).toBe('INVALID_TIMESTAMP')
  expect(failure((await at('default', {}, 0)).outcome)).toBe('no error')
  const before = { 'message.timestamp.before.max.ms': '600000' }
  expect(failure((await at('fresh', before, now - 700_000)).outcome)).toBe('INVALID_TIMESTAMP')
  expect(failure((await at('fresh', before, now)).outcome)).toBe('no error')
  const appended = await at('stamped', { 'message.timestamp.type': 'LogAppendTime' }, 5)
  expect(appended.outcome).toMatchObject({ baseOffset: 0 })
  const stored = only(await readAll(core, appended.topic, 0))
  expect(stored.timestampMs).toBeGreaterThanOrEqual(now)
  expect(appended.outcome).toMatchObject({ logAppendTimeMs: stored.timestampMs })
})

test('the cluster has one id for ever, whoever asks first', async () => {
  const stores = memoryStores()
  const ids = await Promise.all([0, 1, 2, 3].map(() => clusterId(coreOver(stores))))
  expect(new Set(ids).size).toBe(1)
})
