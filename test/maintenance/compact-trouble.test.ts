/** Compaction of logs in which something is not as it should be. */
import { expect, test } from 'vitest'
import { alterTopicConfigs } from '../../src/log/alter-topic.ts'
import { append } from '../../src/log/append.ts'
import { deleteRecords } from '../../src/log/delete-records.ts'
import { raiseConfigVersion } from '../../src/log/head.ts'
import { blobItemKey, headKey, indexPk } from '../../src/log/keys.ts'
import { piecesOfSegment } from '../../src/log/plan.ts'
import { objectKeyOf } from '../../src/log/segment.ts'
import { cleanSegment } from '../../src/maintenance/clean-segment.ts'
import { entriesFrom } from '../../src/maintenance/compact-pass.ts'
import type { KeyMap } from '../../src/maintenance/key-map.ts'
import { batchesIn } from '../../src/protocol/records/batch.ts'
import { StoreError } from '../../src/store/errors.ts'
import { verify } from '../../src/verify/verify.ts'
import { type Keyed, type KeyedWorld, keyedBatch, keyOf, newKeyedWorld, shown } from './keyed-kit.ts'
import { dayMs, minuteMs } from './kit.ts'
import { hourMs, mixedValues, newLogWorld } from './log-kit.ts'

/** Rolled into one segment and too young to be compacted; with the chunks that it was made of. */
async function rolledOnly(rounds: readonly (readonly Keyed[])[], configs: Record<string, string> = {}) {
  const world = await newKeyedWorld({ 'min.compaction.lag.ms': String(7 * dayMs), ...configs })
  for (const records of rounds) await world.put(records)
  await world.settle()
  const pk = indexPk(world.id)
  const chunks = await world.core.items.query({ pk, limit: 1_000 })
  await world.maintainAfter(3 * minuteMs)
  expect((await world.entries()).segments).toHaveLength(1)
  return { ...world, chunks }
}

/** As a spiller does that slept while they were rolled. */
async function bringBack({ core, id }: KeyedWorld, rows: Awaited<ReturnType<typeof rolledOnly>>['chunks']) {
  for (const { sk, item } of rows) {
    const patches = Object.entries(item).map(([name, to]) => ({ set: name, to }))
    await core.items.update({ pk: indexPk(id), sk }, { patches })
  }
}

test('a chunk that a sleeper brought back where the log begins does not keep a pass from what follows', async () => {
  const policy = { 'cleanup.policy': 'compact,delete', 'retention.ms': '-1', 'delete.retention.ms': '0' }
  const rounds = Array.from({ length: 60 }, (_, at): Keyed[] => [
    ['alive', `${at}`],
    ['dead', at < 50 ? `${at}` : null],
  ])
  const world = await rolledOnly(rounds, policy)
  const [second] = world.chunks.slice(1)
  const begin = Number.parseInt(second?.sk ?? '', 10) + 1
  await world.maintainAfter(11 * minuteMs)
  await world.during(deleteRecords(world.core, world.topic, 0, begin))
  await bringBack(world, second ? [second] : [])
  await world.during(alterTopicConfigs(world.core, 'orders', { 'min.compaction.lag.ms': '0' }))
  for (let run = 0; run < 5; run++) await world.maintainAfter(hourMs)
  const left = await world.readAnew(undefined, begin)
  expect(left.filter((one) => keyOf(one) === 'alive').map(shown)).toEqual(['118 alive=59'])
  expect(left.filter((one) => keyOf(one) === 'dead').map(shown)).toEqual([])
})

test('what stays of a segment holds little more memory than its bytes', async () => {
  const world = await newKeyedWorld({ 'min.compaction.lag.ms': String(7 * dayMs) })
  // Batches of a record each, as from producers that do not wait: most of them go as a whole.
  for (let at = 0; at < 130; at++) await world.put([[at % 26 === 0 ? `key ${at}` : 'busy', 'x'.repeat(100_000)]])
  await world.settle()
  await world.maintainAfter(3 * minuteMs)
  const [segment] = (await world.entries()).segments
  if (!segment) throw new Error('nothing was rolled')
  const newest = new Map(world.appended.map(({ key, offset }) => [key, offset]))
  const map: KeyMap = {
    put: () => true,
    newest: (bytes, from, to) => newest.get(Buffer.from(bytes.subarray(from, to)).toString()) ?? -1,
    size: newest.size,
  }
  const rules = { map, cleaned: 0, to: segment.end, nowMs: world.core.clock.now(), tombstoneMs: 0 }
  const { batches, bytes } = await cleanSegment(world.core, world.id, segment, rules)
  expect(bytes).toBeGreaterThan(500_000)
  const held = new Set(batches.map(({ buffer }) => buffer))
  expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(2 * bytes)
})

test('configs that never came do not end the compaction of a topic that is only compacted', async () => {
  const world = await newKeyedWorld({ 'min.compaction.lag.ms': String(hourMs) })
  const put = async (times: number) => {
    for (let at = 0; at < times; at++) await world.put([['busy', `${at}`]])
    await world.settle()
  }
  await put(60)
  await world.maintainAfter(3 * minuteMs)
  // Whoever changed them died after the head was told.
  const { configVersion } = await world.headOf()
  await world.core.items.update(headKey(world.id), raiseConfigVersion(configVersion + 1))
  for (let run = 0; run < 5; run++) await world.maintainAfter(hourMs)
  const busy = (await world.readAnew()).filter((one) => keyOf(one) === 'busy')
  expect(busy.map(shown)).toEqual(['59 busy=59'])
})

test('a batch that cannot be read is named, and all else in the partition goes on', async () => {
  const policy = { 'cleanup.policy': 'compact,delete', 'retention.ms': String(3 * dayMs) }
  const world = await rolledOnly(
    Array.from({ length: 60 }, (_, at): Keyed[] => [['busy', `${at}`]]),
    { ...policy, 'min.compaction.lag.ms': '0', 'min.cleanable.dirty.ratio': '1' },
  )
  const [segment] = (await world.entries()).segments
  if (!segment) throw new Error('nothing was rolled')
  const key = objectKeyOf(world.id, segment)
  const whole = await world.core.objects.get(key)
  if (!whole) throw new Error('no object')
  // In the tenth record's value: the checksum tells.
  const at = piecesOfSegment(world.id, segment)[0]?.part.from ?? 0
  const tenth = batchesIn(whole.subarray(at, at + segment.bytes))[10]
  const broken = whole.slice()
  const value = at + (tenth?.at ?? 0) + (tenth?.totalBytes ?? 0) - 2
  broken.set([(whole[value] ?? 0) ^ 1], value)
  await world.core.objects.delete([key])
  await world.core.objects.put(key, [broken])
  await world.during(alterTopicConfigs(world.core, 'orders', { 'min.cleanable.dirty.ratio': '0' }))
  await world.pass(hourMs)
  const { partitions: report } = await world.run()
  expect(report.failedPartitions).toBe(1)
  expect(String(report.error)).toMatch(/orders-0.*offset 10/)
  // Of other errors the log does not tell what they say.
  expect(report.error).toBeInstanceOf(StoreError)
  // All before it is not read again at once, and it is told all the same.
  let gets = 0
  const objects = world.core.objects.metered(({ call }) => {
    if (call === 'get') gets++
  })
  await world.pass(2 * minuteMs)
  const again = await world.run({ ...world.core, objects })
  expect(String(again.partitions.error)).toMatch(/offset 10/)
  expect(gets).toBe(0)
  // Appending, rolling and retention do; with the records that are over it comes to its end.
  await world.put([['young', '1']])
  await world.settle()
  await world.pass(hourMs)
  expect((await world.run()).partitions).toMatchObject({ segments: 1, failedPartitions: 1 })
  await world.pass(2 * dayMs)
  await world.put([['younger', '1']])
  await world.settle()
  await world.pass(dayMs)
  expect((await world.run()).partitions.retiredBytes).toBeGreaterThan(1_000)
  await world.maintainAfter(hourMs)
  expect((await world.headOf()).start).toBeGreaterThan(10)
})

test('a chunk of large batches becomes several segments, which are cleaned up after, and compacted', async () => {
  const world = await newKeyedWorld({ 'max.message.bytes': String(16 * 1024 * 1024) })
  const most = 32 * 1024 * 1024
  // A chunk of some 50 MiB.
  for (let at = 0; at < 21; at++) await world.put([['large', `${at}`.padEnd(3 * 1024 * 1024, '.')]])
  await world.settle()
  await world.maintainAfter(5 * minuteMs)
  await world.maintainAfter(hourMs)
  const { chunks, segments } = await world.entries()
  expect(Math.max(...segments.map(({ bytes }) => bytes))).toBeLessThanOrEqual(most)
  expect(chunks.filter(({ base }) => base < (segments.at(-1)?.base ?? 0))).toEqual([])
  const left = await world.readAnew()
  expect(left.filter((one) => keyOf(one) === 'large').map(({ offset }) => offset)).toEqual([20])
  expect((await world.headOf()).bytes).toBe(await world.bytesHeld())
  await world.maintainAfter(hourMs)
  const objects = await world.stores.objects.list('', { limit: 1_000 })
  expect(objects.filter(({ key }) => key.startsWith('blobs/')).length).toBe(0)
  expect(objects.filter(({ key }) => key.startsWith('segments/')).length).toBe(segments.length)
  const found: string[] = []
  await verify(world.server(), { deep: true, found: (line) => found.push(line) })
  expect(found).toEqual([])
})

test('a chunk that a sleeper brought back shows no key that was deleted since', async () => {
  const world = await rolledOnly(
    Array.from({ length: 60 }, (_, at): Keyed[] => [['dead', at < 50 ? `${at}` : null]]),
    { 'delete.retention.ms': String(2 * hourMs) },
  )
  await world.during(alterTopicConfigs(world.core, 'orders', { 'min.compaction.lag.ms': '0' }))
  const dead = async () => {
    const all = await Promise.all(Array.from({ length: 60 }, (_, offset) => world.readAnew(300, offset)))
    return all.flat().filter((one) => keyOf(one) === 'dead')
  }
  // One pass marks the tombstone, and all that was replaced is cleaned up after.
  await world.maintainAfter(hourMs)
  await world.maintainAfter(11 * minuteMs)
  expect((await dead()).map(shown)).toContain('59 dead=null')
  await bringBack(world, world.chunks.slice(1, 2))
  await world.maintainAfter(3 * hourMs)
  expect((await dead()).map(shown)).toEqual([])
})

test('where rolling fails what is rolled is compacted all the same', async () => {
  const world = await rolledOnly(Array.from({ length: 60 }, (_, at): Keyed[] => [['key', `${at}`]]))
  await world.put([['large', 'x'.repeat(600)]])
  await world.settle()
  const [blob] = (await world.entries()).chunks.flatMap(({ refs }) => refs).filter(({ place }) => place === 'item')
  if (!blob) throw new Error('no record became an item')
  await world.core.items.delete(blobItemKey(blob.id))
  await world.during(alterTopicConfigs(world.core, 'orders', { 'min.compaction.lag.ms': '0' }))
  await world.pass(11 * minuteMs)
  const { partitions } = await world.run()
  expect(partitions).toMatchObject({ failedPartitions: 1, segments: 0, compactedSegments: 1 })
  expect(String(partitions.error)).toContain('a blob of')
})

test('a walk over segments meets none again that has become larger behind it', async () => {
  const world = await newLogWorld({ 'segment.ms': String(minuteMs) })
  await world.fill(mixedValues(60))
  await world.maintainAfter(3 * minuteMs)
  const [segment] = (await world.entries()).segments
  if (!segment) throw new Error('nothing was rolled')
  const walk = entriesFrom(world.core, world.id, 0, segment.end + 1)
  expect((await world.during(walk.next())).value).toMatchObject({ base: 0, end: segment.end })
  for (let round = 0; (await world.entries()).segments[0]?.end === segment.end && round < 20; round++) {
    await world.fill(mixedValues(60))
    await world.maintainAfter(3 * minuteMs)
  }
  expect((await world.entries()).segments[0]).toMatchObject({ base: 0 })
  expect(await world.during(walk.next())).toMatchObject({ done: true })
})

test('records without a timestamp are let alone for min.compaction.lag.ms from when they were rolled, as in Kafka', async () => {
  const world = await newKeyedWorld({ 'min.compaction.lag.ms': String(5 * hourMs) })
  for (let at = 0; at < 60; at++) {
    const records = await keyedBatch([['busy', `${at}`.padEnd(100, '.')]], -1)
    await world.during(append(world.core, world.topic, [{ partition: 0, records }]))
    await world.pass(5)
  }
  expect(await world.maintainAfter(hourMs)).toMatchObject({ segments: 1, compactedSegments: 0 })
  expect((await world.maintainAfter(3 * hourMs)).compactedSegments).toBe(0)
  expect((await world.maintainAfter(2 * hourMs)).compactedSegments).toBe(1)
})

test('a segment of which nothing is left goes when its records would have gone', async () => {
  const world = await newKeyedWorld({ 'cleanup.policy': 'delete', 'retention.ms': String(dayMs) })
  for (let at = 0; at < 60; at++) await world.put([[null, 'x'.repeat(100)]])
  await world.maintainAfter(hourMs)
  await world.during(alterTopicConfigs(world.core, 'orders', { 'cleanup.policy': 'compact,delete' }))
  expect((await world.maintainAfter(20 * hourMs)).compactedSegments).toBe(1)
  expect((await world.headOf()).start).toBe(0)
  await world.maintainAfter(4 * hourMs)
  expect((await world.headOf()).start).toBeGreaterThan(40)
})

test('records of a topic that ceases to be compacted while a segment is being written stay', async () => {
  const world = await rolledOnly(Array.from({ length: 60 }, (_, at): Keyed[] => [['busy', `${at}`]]))
  await world.during(alterTopicConfigs(world.core, 'orders', { 'min.compaction.lag.ms': '0' }))
  const before = await world.readAnew()
  let isDeleting = false
  const { objects } = world.stores
  const slow = {
    ...objects,
    async put(...args: Parameters<typeof objects.put>) {
      if (!isDeleting) await alterTopicConfigs(world.server(), 'orders', { 'cleanup.policy': 'delete' })
      isDeleting = true
      return objects.put(...args)
    },
    metered: () => slow,
  }
  await world.pass(hourMs)
  await world.run({ ...world.server(), objects: slow })
  expect(isDeleting).toBe(true)
  expect(await world.readAnew()).toEqual(before)
})
