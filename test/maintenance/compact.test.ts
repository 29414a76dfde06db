import { expect, test } from 'vitest'
import { alterTopicConfigs } from '../../src/log/alter-topic.ts'
import { append } from '../../src/log/append.ts'
import { listOffset } from '../../src/log/offsets.ts'
import { findTopic } from '../../src/log/topics.ts'
import { compactOnce } from '../../src/maintenance/compact.ts'
import { readCompaction } from '../../src/maintenance/compaction-state.ts'
import { claimHead, takePartition } from '../../src/maintenance/partition-lease.ts'
import { noFigures, type Slice } from '../../src/maintenance/partition-step.ts'
import { readUpkeepOf } from '../../src/maintenance/upkeep.ts'
import type { StoredRecord } from '../../src/protocol/records/record.ts'
import { byteCache } from '../../src/runtime/byte-cache.ts'
import type { Core } from '../../src/runtime/core.ts'
import { failure, only, readAll } from '../log/core.ts'
import { overBadNetwork } from '../log/faults.ts'
import { type Keyed, type KeyedWorld, keyedBatch, keyOf, newKeyedWorld, shown, wordOf } from './keyed-kit.ts'
import { dayMs, minuteMs } from './kit.ts'
import { hourMs } from './log-kit.ts'
import { mortal } from './mortal.ts'

/** Those that take no time of their own, which would stand still here. */
const codecs = ['none', 'snappy', 'lz4'] as const

/** So many records over some keys, in batches of some. */
async function fill(world: KeyedWorld, count: number, keys: number, from = 0): Promise<void> {
  for (let at = from; at < from + count; at += 4) {
    const records = Array.from(
      { length: 4 },
      (_, more): Keyed => [`key ${(at + more) % keys}`, `${at + more}`.padEnd(40)],
    )
    await world.put(records, codecs[(at / 4) % codecs.length])
  }
}

/** The newest of each key is there, and everything that is there was appended, at its offset, and lies in order. */
function expectWhole(world: KeyedWorld, records: readonly StoredRecord[]): void {
  const known = new Map(world.appended.map((one) => [one.offset, one]))
  let before = -1
  for (const record of records) {
    expect(record.offset).toBeGreaterThan(before)
    before = record.offset
    expect(known.get(record.offset)).toMatchObject({
      ...{ key: keyOf(record), value: wordOf(record), atMs: record.timestampMs },
    })
  }
  const held = new Set(records.map(({ offset }) => offset))
  for (const [key, { value, offset }] of world.newest()) {
    if (key !== null && value !== null) expect(held.has(offset), `the newest of ${key}, at ${offset}`).toBe(true)
  }
}

test('of every key the newest record stays, where it was, and older ones go', async () => {
  const world = await newKeyedWorld()
  await fill(world, 400, 30)
  await world.settle()
  const report = await world.maintainAfter(5 * minuteMs)
  expect(report).toMatchObject({ segments: 1, compactedSegments: 1 })
  const records = await world.readAnew()
  expectWhole(world, records)
  // All but what the tail and the newest chunk held was compacted.
  expect(records.length).toBeLessThan(30 + 31)
  const { segments } = await world.entries()
  const inSegment = records.filter(({ offset }) => offset < (segments[0]?.end ?? 0))
  expect(new Set(inSegment.map(keyOf)).size).toBe(inSegment.length)
  expect((await world.headOf()).bytes).toBe(await world.bytesHeld())
})

test('a server that has read a log and then compacts it itself shows what is left at once', async () => {
  const world = await newKeyedWorld()
  await fill(world, 400, 30)
  await world.settle()
  // Rolled, and too young to be compacted.
  await world.during(alterTopicConfigs(world.core, world.topic.name, { 'min.compaction.lag.ms': String(hourMs) }))
  expect(await world.maintainAfter(5 * minuteMs)).toMatchObject({ segments: 1, compactedSegments: 0 })
  const read = () => world.during(readAll(world.core, world.topic, 0))
  expect((await read()).map(keyOf)).toEqual(world.appended.map(({ key }) => key))
  await world.during(alterTopicConfigs(world.core, world.topic.name, { 'min.compaction.lag.ms': '0' }))
  expect(await world.maintainAfter(minuteMs)).toMatchObject({ compactedSegments: 1 })
  expect((await read()).map(shown)).toEqual((await world.readAnew()).map(shown))
})

test('a pass begins when all that is due is rolled, and takes all of it', async () => {
  const world = await newKeyedWorld({ 'segment.bytes': String(1024 * 1024) })
  for (let at = 0; at < 120; at++) await world.put([[`key ${at % 50}`, 'x'.repeat(30_000)]])
  await world.settle()
  const report = await world.maintainAfter(5 * minuteMs)
  expect(report.segments).toBeGreaterThan(2)
  expect(report.compactedSegments).toBeGreaterThanOrEqual(report.segments)
  const records = await world.readAnew()
  expectWhole(world, records)
  expect(records.filter(({ offset }) => offset < 120).length).toBe(50)
})

test('a reader may begin anywhere, in a gap too, and comes to the end', async () => {
  const world = await newKeyedWorld()
  await fill(world, 200, 7)
  await world.settle()
  await world.maintainAfter(5 * minuteMs)
  const all = (await world.readAnew()).map(shown)
  for (let offset = 0; offset <= world.appended.length; offset += 3) {
    const expected = all.filter((one) => Number.parseInt(one, 10) >= offset)
    for (const maxBytes of [1, 100_000]) {
      expect((await world.readAnew(maxBytes, offset)).map(shown), `from ${offset}`).toEqual(expected)
    }
  }
})

test('a look for a time finds the first record that is left at or after it', async () => {
  const world = await newKeyedWorld()
  await fill(world, 200, 7)
  await world.settle()
  await world.maintainAfter(5 * minuteMs)
  const records = await world.readAnew()
  for (const { atMs } of world.appended.filter((_, at) => at % 9 === 0)) {
    const found = await listOffset(world.server(), world.topic, 0, { timestampMs: atMs })
    const first = records.find(({ timestampMs }) => timestampMs >= atMs)
    expect(found.offset).toBe(first?.offset ?? -1)
  }
})

test('a tombstone stays delete.retention.ms from when all before it was cleaned, and then goes', async () => {
  const world = await newKeyedWorld({ 'delete.retention.ms': String(2 * hourMs) })
  await fill(world, 40, 5)
  await world.put([['key 1', null]])
  await world.settle()
  await world.maintainAfter(5 * minuteMs)
  const ofKey1 = async () => (await world.readAnew()).filter((record) => keyOf(record) === 'key 1').map(wordOf)
  expect(await ofKey1()).toEqual([null])
  await world.maintainAfter(hourMs)
  expect(await ofKey1()).toEqual([null])
  // Another pass, and still not two hours.
  await fill(world, 40, 1)
  await world.settle()
  await world.maintainAfter(30 * minuteMs)
  expect(await ofKey1()).toEqual([null])
  await world.maintainAfter(3 * hourMs)
  expect(await ofKey1()).toEqual([])
  expectWhole(world, await world.readAnew())
  expect((await world.headOf()).bytes).toBe(await world.bytesHeld())
})

test('a log that nobody writes to loses its tombstones by and by', async () => {
  const world = await newKeyedWorld({ 'delete.retention.ms': '0' })
  await fill(world, 40, 5)
  for (let key = 0; key < 5; key++) await world.put([[`key ${key}`, null]])
  await world.settle()
  await world.maintainAfter(5 * minuteMs)
  expect((await world.readAnew()).filter((record) => keyOf(record)?.startsWith('key')).length).toBe(5)
  await world.maintainAfter(hourMs)
  expect((await world.readAnew()).filter((record) => keyOf(record)?.startsWith('key'))).toEqual([])
})

test('a pass begins when enough of the log was never cleaned', async () => {
  const world = await newKeyedWorld({ 'min.cleanable.dirty.ratio': '0.8' })
  const run = async () => (await world.maintainAfter(11 * minuteMs)).compactedSegments
  await fill(world, 200, 100)
  await world.settle()
  expect(await run()).toBeGreaterThan(0)
  await fill(world, 40, 100, 200)
  await world.settle()
  expect(await run()).toBe(0)
  await fill(world, 800, 100, 240)
  await world.settle()
  expect(await run()).toBeGreaterThan(0)
  expectWhole(world, await world.readAnew())
})

test('what is younger than min.compaction.lag.ms is let alone, and taken when it is older', async () => {
  const world = await newKeyedWorld({ 'min.compaction.lag.ms': String(5 * hourMs) })
  await fill(world, 100, 3)
  await world.settle()
  expect((await world.maintainAfter(hourMs)).compactedSegments).toBe(0)
  expect((await world.maintainAfter(3 * hourMs)).compactedSegments).toBe(0)
  expect((await world.maintainAfter(2 * hourMs)).compactedSegments).toBe(1)
})

test('what is older than max.compaction.lag.ms is rolled and compacted, however little it is', async () => {
  const lag = { 'segment.ms': String(7 * dayMs), 'min.cleanable.dirty.ratio': '1' }
  const world = await newKeyedWorld({ ...lag, 'max.compaction.lag.ms': String(5 * hourMs) })
  await fill(world, 100, 3)
  await world.settle()
  expect((await world.maintainAfter(4 * hourMs)).segments).toBe(0)
  expect(await world.maintainAfter(2 * hourMs)).toMatchObject({ segments: 1, compactedSegments: 1 })
})

test('what a pass has replaced goes after the grace, and blobs of rolls before it too', async () => {
  const world = await newKeyedWorld()
  for (let round = 0; round < 5; round++) {
    await fill(world, 60, 9)
    await world.put([['large', 'y'.repeat(12_000)]])
    await world.settle()
    await world.maintainAfter(5 * minuteMs)
  }
  for (let run = 0; run < 4; run++) await world.maintainAfter(11 * minuteMs)
  const { segments, chunks } = await world.entries()
  const objects = await world.stores.objects.list('', { limit: 1_000 })
  expect(objects.filter(({ key }) => key.startsWith('segments/')).length).toBe(segments.length)
  const named = chunks.flatMap(({ refs }) => refs).filter(({ place }) => place === 'object').length
  expect(objects.filter(({ key }) => key.startsWith('blobs/')).length).toBeLessThanOrEqual(named + 1)
  expectWhole(world, await world.readAnew())
})

test('small neighbours become one on the way', async () => {
  const world = await newKeyedWorld({ 'min.cleanable.dirty.ratio': '0.9' })
  for (let round = 0; round < 6; round++) {
    await fill(world, 60, 9, round)
    await world.settle()
    await world.maintainAfter(12 * minuteMs)
  }
  const { segments } = await world.entries()
  expect(segments.length).toBeLessThan(6)
  expectWhole(world, await readAll(world.server(), world.topic, 0))
})

/** What a step is given, under a lease of this server's own. */
async function sliceOf(world: KeyedWorld, core: Core, timeIsUp = () => false): Promise<Slice> {
  const lease = await world.during(takePartition(core, world.id))
  if (!lease) throw new Error('another has the lease')
  const [topic, upkeep, head] = [
    await findTopic(core, 'orders'),
    await readUpkeepOf(core, world.id),
    await world.during(claimHead(core, world.id, lease)),
  ]
  if (!topic || !head) throw new Error('no topic')
  const shared = byteCache<Uint8Array>(1_000)
  return { topic, id: world.id, head, upkeep, lease, timeIsUp, figures: noFigures(), shared, partitions: 1 }
}

/** Rolled, and not compacted yet. */
async function rolledWorld(configs: Record<string, string> = {}) {
  const world = await newKeyedWorld({ 'cleanup.policy': 'delete', ...configs })
  for (let round = 0; round < 3; round++) {
    await fill(world, 100, 40, round * 100)
    await world.put([[`key ${round}`, null]])
    await world.settle()
    await world.maintainAfter(3 * minuteMs)
  }
  await world.maintainAfter(11 * minuteMs)
  await world.during(alterTopicConfigs(world.core, 'orders', { 'cleanup.policy': 'compact' }))
  expect((await world.entries()).segments.length).toBe(3)
  return world
}

test('where not all keys find room, one pass follows another, and in the end no key has two records', async () => {
  const world = await rolledWorld()
  const core = world.server()
  let passes = 0
  for (let more = true; more; passes++) {
    const slice = await sliceOf(world, core)
    const outcome = await world.during(compactOnce(core, slice, 8))
    expectWhole(world, await world.readAnew())
    more = outcome.more
  }
  expect(passes).toBeGreaterThan(10)
  const { segments } = await world.entries()
  const rolled = (await world.readAnew()).filter(({ offset }) => offset < (segments.at(-1)?.end ?? 0))
  expect(new Set(rolled.map(keyOf)).size).toBe(rolled.length)
  expect((await world.headOf()).bytes).toBe(await world.bytesHeld())
})

test('a pass that runs out of time goes on where it stopped', async () => {
  const world = await rolledWorld({ 'segment.bytes': String(1024 * 1024) })
  const core = world.server()
  let slices = 0
  for (let more = true; more; slices++) {
    const outcome = await world.during(compactOnce(core, await sliceOf(world, core, () => true)))
    expectWhole(world, await world.readAnew())
    more = outcome.more
  }
  expect(slices).toBeGreaterThan(2)
  const { segments } = await world.entries()
  const rolled = (await world.readAnew()).filter(({ offset }) => offset < (segments.at(-1)?.end ?? 0))
  expect(new Set(rolled.map(keyOf)).size).toBe(rolled.length)
})

test('a moment at the end of a run does not undo what a pass has come through', async () => {
  const world = await rolledWorld({ 'segment.bytes': String(1024 * 1024) })
  const core = world.server()
  const slice = async (looks: number) => {
    let looked = 0
    await world.during(compactOnce(core, await sliceOf(world, core, () => looked++ >= looks)))
    return (await readCompaction(core, world.id)).state
  }
  // Enough to see all three segments, and to clean one.
  const begun = await slice(2)
  expect(begun.at).toBeGreaterThan(0)
  expect(begun.at).toBeLessThan(begun.to)
  const { cleaned, at, to } = begun
  expect(await slice(0)).toMatchObject({ cleaned, at, to })
  const more = await slice(2)
  expect(more).toMatchObject({ cleaned, to })
  expect(more.at).toBeGreaterThan(at)
  expect(await slice(0)).toMatchObject({ cleaned, at: more.at, to })
  // Where no run has the time, it does not wait for one: less is cleaned then.
  expect((await slice(0)).cleaned).toBeGreaterThan(cleaned)
  expect((await slice(100)).at).toBe(to)
  expectWhole(world, await world.readAnew())
})

test('records without a key are refused where the topic is compacted, and dropped where they came before it was', async () => {
  const world = await newKeyedWorld({ 'cleanup.policy': 'delete' })
  await world.put([
    [null, 'nobody'],
    ['somebody', 'one'],
  ])
  await fill(world, 40, 4)
  await world.settle()
  await world.during(alterTopicConfigs(world.core, 'orders', { 'cleanup.policy': 'compact,delete' }))
  await world.pass(minuteMs)
  const topic = await findTopic(world.core, 'orders')
  expect(topic?.overrides['cleanup.policy']).toBe('compact,delete')
  for (const codec of codecs) {
    const batch = await keyedBatch(
      [
        ['a', 'b'],
        [null, 'c'],
      ],
      world.core.clock.now(),
      codec,
    )
    if (!topic) throw new Error('no topic')
    const outcome = only(await world.during(append(world.server(), topic, [{ partition: 0, records: batch }])))
    expect(failure(outcome)).toBe('INVALID_RECORD')
  }
  await world.maintainAfter(5 * minuteMs)
  expect((await world.readAnew()).map(wordOf)).not.toContain('nobody')
  expect((await world.readAnew()).map(wordOf)).toContain('one')
})

test('two at once, and one that sleeps in the middle, leave the newest of every key and an exact count', async () => {
  for (let sleepAt = 0; ; sleepAt++) {
    const world = await rolledWorld()
    const sleeper = world.server()
    let calls = 0
    const sleepy = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        if (calls++ === sleepAt) await world.maintainAfter(11 * minuteMs)
        return call(...args)
      }
    }
    const { items } = sleeper
    const slow = { ...items, get: sleepy(items.get), update: sleepy(items.update), transact: sleepy(items.transact) }
    const slice = await sliceOf(world, sleeper)
    await compactOnce({ ...sleeper, items: slow }, slice).catch((error) => {
      expect(String(error)).toContain('gone')
    })
    const at = `asleep at call ${sleepAt}`
    expectWhole(world, await world.readAnew())
    await world.maintainAfter(dayMs)
    await world.maintainAfter(2 * dayMs)
    expectWhole(world, await world.readAnew())
    expect((await world.headOf()).bytes, at).toBe(await world.bytesHeld())
    if (calls <= sleepAt) break
  }
})

test('a pass that dies at any call of the store leaves the newest of every key, and the next one finishes', async () => {
  for (let dieAt = 0; ; dieAt++) {
    const world = await rolledWorld({ 'delete.retention.ms': '0' })
    const core = world.server()
    const slice = await sliceOf(world, core)
    const died = await compactOnce(mortal(core, dieAt), slice).then(
      () => false,
      () => true,
    )
    expectWhole(world, await world.readAnew())
    for (let run = 0; run < 4; run++) await world.maintainAfter(dayMs)
    const records = await world.readAnew()
    expectWhole(world, records)
    expect((await world.headOf()).bytes, `after ${dieAt} calls`).toBe(await world.bytesHeld())
    expect(records.filter((record) => wordOf(record) === null)).toEqual([])
    if (!died) break
  }
})

test('what several rewritten segments freed is taken off once, whatever the network does to it', async () => {
  const world = await newKeyedWorld({ 'cleanup.policy': 'delete', 'segment.bytes': String(1024 * 1024) })
  for (let round = 0; round < 3; round++) {
    for (let at = 0; at < 30; at++) await world.put([[`key ${(at + 20 * round) % 65}`, `${at}`.padEnd(60_000, '.')]])
    await world.settle()
    await world.maintainAfter(12 * minuteMs)
  }
  await world.during(alterTopicConfigs(world.core, 'orders', { 'cleanup.policy': 'compact' }))
  const core = world.server()
  const fates = ['answer lost', 'goes well', 'answered twice', 'answer lost', 'throttled'] as const
  const { items, late } = overBadNetwork(core.items, (_, count) => fates[count % fates.length] ?? 'goes well')
  const slice = await sliceOf(world, core)
  await world.during(compactOnce({ ...core, items }, slice))
  expect(slice.figures.compactedSegments).toBeGreaterThan(1)
  expect((await world.entries()).segments.length).toBeGreaterThan(1)
  for (const copy of late) await copy()
  expectWhole(world, await world.readAnew())
  expect((await world.headOf()).bytes).toBe(await world.bytesHeld())
})
