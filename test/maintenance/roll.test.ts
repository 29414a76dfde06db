import { expect, test } from 'vitest'
import { deleteRecords } from '../../src/log/delete-records.ts'
import { blobItemKey, blobObjectKey, segmentObjectsPrefix } from '../../src/log/keys.ts'
import type { Ref } from '../../src/log/ref.ts'
import { objectKeyOf } from '../../src/log/segment.ts'
import { maintain } from '../../src/maintenance/maintain.ts'
import { readUpkeepOf, saveUpkeep } from '../../src/maintenance/upkeep.ts'
import type { Core } from '../../src/runtime/core.ts'
import { readAll, send, text } from '../log/core.ts'
import { dayMs, minuteMs } from './kit.ts'
import { entriesOf, hourMs, mixedValues, newLogWorld } from './log-kit.ts'
import { mortal } from './mortal.ts'

const eachHour = { 'segment.ms': String(hourMs) }

test('chunks older than segment.ms become one segment, and every record is where it was', async () => {
  const world = await newLogWorld(eachHour)
  const values = mixedValues(200)
  await world.fill(values)
  const before = await world.readAnew()
  expect((await world.maintainAfter(5 * minuteMs)).segments).toBe(0)
  expect(await world.maintainAfter(hourMs)).toMatchObject({ segments: 1, failedPartitions: 0 })
  const { chunks, segments } = await world.entries()
  expect(chunks).toEqual([])
  expect(segments).toMatchObject([{ base: 0, cleaned: false }])
  for (const maxBytes of [0, 5_000, 1_000_000]) expect(await world.readAnew(maxBytes)).toEqual(before)
  expect(before.map(text)).toEqual(values)
})

test('a log with 96 chunks is rolled whatever its age, but for what is younger than a minute', async () => {
  const world = await newLogWorld()
  await world.fill(mixedValues(900))
  const { chunks } = await world.entries()
  expect(chunks.length).toBeGreaterThan(96)
  expect((await world.maintainAfter(30_000)).segments).toBe(0)
  expect((await world.maintainAfter(2 * minuteMs)).segments).toBe(1)
  const after = await world.entries()
  expect(after.segments).toMatchObject([{ base: 0, end: chunks[95]?.end }])
  expect(after.chunks).toEqual(chunks.slice(96))
  expect((await world.readAnew()).length).toBe(900)
})

test('a topic whose chunks hold segment.bytes is rolled at once', async () => {
  const world = await newLogWorld({ 'segment.bytes': String(1024 * 1024) })
  await world.fill(Array.from({ length: 60 }, (_, at) => `${at}`.padEnd(30_000, '.')))
  expect((await world.maintainAfter(2 * minuteMs)).segments).toBe(1)
})

test('no segment becomes larger than segment.bytes, by rolling or by merging, so that retention.bytes can be kept', async () => {
  const mostBytes = 1024 * 1024
  const world = await newLogWorld({ 'segment.bytes': String(mostBytes), 'segment.ms': String(minuteMs) })
  await world.fill(Array.from({ length: 400 }, (_, at) => `${at}`.padEnd(10_000, '.')))
  expect((await world.maintainAfter(3 * minuteMs)).segments).toBeGreaterThan(3)
  let merged = 0
  for (let round = 0; round < 12; round++) {
    await world.fill(Array.from({ length: 40 }, (_, at) => `${at}`.padEnd(5_000, '.')))
    merged += (await world.maintainAfter(3 * minuteMs)).mergedSegments
  }
  expect(merged).toBeGreaterThan(4)
  const { segments } = await world.entries()
  expect(Math.max(...segments.map(({ bytes }) => bytes))).toBeLessThanOrEqual(mostBytes)
  expect(segments.length).toBeLessThan(16)
  expect((await world.readAnew()).length).toBe(880)
})

test('ten minutes after the roll its blobs go, and what others need stays', async () => {
  const world = await newLogWorld(eachHour, 2)
  const values = mixedValues(100)
  await world.fill(values)
  await world.fill(['of another partition', 'y'.repeat(9_000)], 1)
  const refs = (await world.entries()).chunks.flatMap((chunk) => chunk.refs)
  expect((await world.maintainAfter(hourMs + 2 * minuteMs)).segments).toBe(1)
  expect(await blobsLeft(world.core, refs)).toBe(blobsOf(refs).length)
  expect((await world.maintainAfter(9 * minuteMs)).deletedBlobs).toBe(0)
  expect((await world.maintainAfter(2 * minuteMs)).deletedBlobs).toBe(blobsOf(refs).length)
  expect(await blobsLeft(world.core, refs)).toBe(0)
  expect((await world.entries()).segments).toMatchObject([{ cleaned: true }])
  expect((await world.readAnew()).map(text)).toEqual(values)
  expect((await world.readAnew(undefined, 0, 1)).length).toBe(2)
})

const blobsOf = (refs: readonly Ref[]) => refs.filter(({ place }) => place !== 'inline')

async function blobsLeft(core: Core, refs: readonly Ref[]): Promise<number> {
  const found = await Promise.all(
    blobsOf(refs).map(({ id, place }) =>
      place === 'item' ? core.items.get(blobItemKey(id)) : core.objects.get(blobObjectKey(id)),
    ),
  )
  return found.filter((one) => one !== undefined).length
}

test('a reader that planned before the swap, and comes for its blobs after they are gone, finds the segment', async () => {
  const world = await newLogWorld(eachHour)
  const values = mixedValues(60)
  await world.fill(values)
  let swapped = false
  const items: Core['items'] = {
    ...world.core.items,
    async batchGet(keys) {
      // Between the plan and the data an hour passes, and then another ten minutes.
      if (!swapped && keys.some(({ pk }) => pk.startsWith('b/'))) {
        swapped = true
        await world.maintainAfter(2 * hourMs)
        await world.maintainAfter(11 * minuteMs)
      }
      return world.core.items.batchGet(keys)
    },
  }
  const reader = { ...world.server(), items }
  const read = await readAll(reader, world.topic, 0)
  expect(swapped).toBe(true)
  expect(read.map(text)).toEqual(values)
})

test('a chunk that a sleeper brings back within a segment counts for nothing, and goes with the next cleaning', async () => {
  const world = await newLogWorld(eachHour)
  const values = mixedValues(120)
  await world.fill(values)
  const { core, topic } = world
  const rows = await core.items.query({ pk: `i/${topic.id}/0`, limit: 1_000 })
  await world.maintainAfter(2 * hourMs)
  await world.maintainAfter(11 * minuteMs)
  await world.fill(mixedValues(120))
  const all = (await world.readAnew()).map(text)
  expect(all.length).toBe(240)
  for (const { sk, item } of [rows[0], rows[3], rows.at(-1)].flatMap((row) => (row ? [row] : []))) {
    const patches = Object.entries(item).map(([name, to]) => ({ set: name, to }))
    await core.items.update({ pk: `i/${topic.id}/0`, sk }, { patches })
  }
  expect((await world.readAnew()).map(text)).toEqual(all)
  expect((await world.readAnew(300)).map(text)).toEqual(all)
  await world.maintainAfter(2 * hourMs)
  await world.maintainAfter(11 * minuteMs)
  expect((await world.readAnew()).map(text)).toEqual(all)
})

test('a spiller that wakes up when its chunk was rolled takes back what it put there', async () => {
  const world = await newLogWorld(eachHour)
  const { items } = world.core
  let slept = false
  const sleepy = {
    ...items,
    update: async (...args: Parameters<typeof items.update>) => {
      if (args[0].pk.startsWith('i/') && !slept) {
        slept = true
        await world.fill(mixedValues(80))
        await world.maintainAfter(2 * hourMs)
        await world.maintainAfter(11 * minuteMs)
      }
      return items.update(...args)
    },
  }
  for (let at = 0; at < 40 && !slept; at++)
    await send(world.server(sleepy), world.topic, 0, [`${at}`], world.core.clock.now())
  expect(slept).toBe(true)
  const { chunks, segments } = await world.entries()
  expect(segments.length).toBe(1)
  expect(chunks.filter(({ base }) => base < (segments[0]?.end ?? 0))).toEqual([])
})

test('records below the log’s start are not copied', async () => {
  const world = await newLogWorld(eachHour)
  const values = mixedValues(120)
  await world.fill(values)
  await deleteRecords(world.core, world.topic, 0, 70)
  await world.maintainAfter(2 * hourMs)
  const { segments } = await world.entries()
  expect(segments.length).toBe(1)
  expect(segments[0]?.bytes).toBeLessThan(values.slice(69).join('').length + 60 * 100)
  expect((await world.readAnew(undefined, 70)).map(text)).toEqual(values.slice(70))
})

test('two runs at once roll each chunk once', async () => {
  const world = await newLogWorld(eachHour)
  const values = mixedValues(200)
  await world.fill(values)
  await world.pass(2 * hourMs)
  const reports = await Promise.all([1, 2, 3].map(() => world.run(world.server())))
  expect(reports.reduce((sum, { partitions }) => sum + partitions.segments, 0)).toBe(1)
  expect((await world.readAnew()).map(text)).toEqual(values)
  expect((await world.core.objects.list(segmentObjectsPrefix(world.id), { limit: 100 })).length).toBeLessThanOrEqual(3)
})

test('a roller that wakes up after another took its lease changes nothing', async () => {
  const world = await newLogWorld(eachHour)
  const values = mixedValues(100)
  await world.fill(values)
  await world.pass(2 * hourMs)
  let slept = false
  const items: Core['items'] = {
    ...world.core.items,
    async transact(actions) {
      if (!slept) {
        slept = true
        // The other finds the lease abandoned, and is killed before it swaps: only the epoch tells the sleeper.
        await world.pass(11 * minuteMs)
        await otherTakesTheLease()
      }
      return world.core.items.transact(actions)
    },
  }
  const otherTakesTheLease = async () => {
    const dying: Core['items'] = { ...world.core.items, transact: () => Promise.reject(new Error('killed')) }
    const { partitions } = await world.run({ ...world.server(), items: dying })
    expect(partitions.failedPartitions).toBe(1)
  }
  const report = await maintain({ ...world.server(), items }, { budgetMs: dayMs })
  expect(slept).toBe(true)
  expect(report.partitions).toMatchObject({ segments: 0, lostRaces: 1 })
  expect((await world.entries()).segments).toEqual([])
  expect((await world.maintainAfter(11 * minuteMs)).segments).toBe(1)
  expect((await world.readAnew()).map(text)).toEqual(values)
})

test('a run that dies at any call of the store leaves a log that is whole, and the next one finishes', async () => {
  let died = true
  for (let dieAt = 0; died; dieAt++) {
    const world = await newLogWorld(eachHour)
    const values = mixedValues(40)
    for (const value of values) await send(world.core, world.topic, 0, [value], world.core.clock.now())
    await world.pass(2 * hourMs)
    const outcome = await world.run(mortal(world.server(), dieAt)).catch(() => undefined)
    died = outcome === undefined || outcome.partitions.error !== undefined || outcome.groups.error !== undefined
    expect((await readAll(world.server(), world.topic, 0)).map(text), `after ${dieAt} calls`).toEqual(values)
    if (!died) expect(dieAt).toBeGreaterThan(30)
    await world.maintainAfter(dayMs)
    await world.maintainAfter(11 * minuteMs)
    expect((await world.entries()).segments.length, `after ${dieAt} calls`).toBe(1)
    expect((await readAll(world.server(), world.topic, 0)).map(text)).toEqual(values)
  }
})

test('a segment whose object is gone is told as an error that may pass, never as silence', async () => {
  const world = await newLogWorld(eachHour)
  await world.fill(mixedValues(60))
  await world.maintainAfter(2 * hourMs)
  const [segment] = (await entriesOf(world.core, world.id)).segments
  await world.core.objects.delete(segment ? [objectKeyOf(world.id, segment)] : [])
  await expect(world.readAnew()).rejects.toMatchObject({ error: 'KAFKA_STORAGE_ERROR' })
})

test('eight small segments become one, in tiers, and nothing of them is left after the grace', async () => {
  const world = await newLogWorld(eachHour)
  const values: string[] = []
  for (let round = 0; round < 9; round++) {
    const some = mixedValues(30)
    values.push(...some)
    await world.fill(some)
    await world.maintainAfter(2 * hourMs)
    await world.maintainAfter(11 * minuteMs)
    expect((await world.readAnew()).map(text), `round ${round}`).toEqual(values)
  }
  const { segments } = await world.entries()
  expect(segments.length).toBeLessThan(4)
  expect(segments[0]).toMatchObject({ base: 0, cleaned: true })
  const objects = await world.core.objects.list(segmentObjectsPrefix(world.id), { limit: 100 })
  expect(objects.map(({ key }) => key).sort()).toEqual(segments.map((one) => objectKeyOf(world.id, one)).sort())
  for (const maxBytes of [0, 5_000]) expect((await world.readAnew(maxBytes)).map(text)).toEqual(values)
})

test('a merge that dies at any call of the store leaves a log that is whole, and the next one finishes', async () => {
  for (let dieAt = 0; ; dieAt++) {
    const world = await newLogWorld(eachHour)
    const values: string[] = []
    for (let round = 0; round < 8; round++) {
      const some = mixedValues(15)
      values.push(...some)
      for (const value of some) await send(world.core, world.topic, 0, [value], world.core.clock.now())
      if (round < 7) await world.maintainAfter(2 * hourMs)
    }
    await world.pass(2 * hourMs)
    const outcome = await world.run(mortal(world.server(), dieAt)).catch(() => undefined)
    const died = outcome === undefined || outcome.partitions.error !== undefined
    expect((await world.readAnew()).map(text), `after ${dieAt} calls`).toEqual(values)
    if (!died) break
    await world.maintainAfter(dayMs)
    await world.maintainAfter(11 * minuteMs)
    expect((await world.entries()).segments.length, `after ${dieAt} calls`).toBe(1)
    expect((await world.readAnew()).map(text), `after ${dieAt} calls`).toEqual(values)
  }
})

test('a chunk that was left aside when segments behind it were made is rolled, and they are cleaned up after', async () => {
  const world = await newLogWorld(eachHour)
  const values = mixedValues(400)
  await world.fill(values.slice(0, 200))
  const { chunks } = await world.entries()
  const aside = chunks[3]
  if (!aside) throw new Error('too few chunks')
  // As those above 128 MiB were.
  const upkeep = await readUpkeepOf(world.core, world.id)
  await saveUpkeep(world.core, world.id, upkeep, { ...upkeep, rolled: aside.end })
  await world.fill(values.slice(200))
  await world.maintainAfter(2 * hourMs)
  expect((await world.entries()).all[0]).toMatchObject({ base: 0, end: chunks[0]?.end })
  for (let run = 0; run < 4; run++) await world.maintainAfter(11 * minuteMs)
  const { all, segments } = await world.entries()
  expect(all[0]).toBe(segments[0])
  expect(segments.every(({ cleaned }) => cleaned)).toBe(true)
  expect((await world.readAnew()).map(text)).toEqual(values)
})
