import { expect, test } from 'vitest'
import { append } from '../../src/log/append.ts'
import { appendTogether } from '../../src/log/append-together.ts'
import { newBlobId } from '../../src/log/blob-id.ts'
import { clusterMarkKey, headKey, segmentObjectKey, segmentObjectsPrefix } from '../../src/log/keys.ts'
import { createTopic, deleteTopic } from '../../src/log/topics.ts'
import { maintain } from '../../src/maintenance/maintain.ts'
import type { Core } from '../../src/runtime/core.ts'
import { StoreError } from '../../src/store/errors.ts'
import { verify } from '../../src/verify/verify.ts'
import { batchOf, send, text } from '../log/core.ts'
import { outcomesOf } from '../log/together.ts'
import { dayMs, minuteMs } from './kit.ts'
import { hourMs, type LogWorld, mixedValues, newLogWorld } from './log-kit.ts'

const forever = { 'retention.ms': '-1', 'segment.ms': String(7 * dayMs) }

/** A server whose appends come to nothing: it dies between storing the bytes and naming them. */
const dying = (world: LogWorld): Core => ({
  ...world.server(),
  items: {
    ...world.core.items,
    update: (key, update) =>
      key.pk.startsWith('h/')
        ? Promise.reject(new StoreError('misconfigured', 'killed'))
        : world.core.items.update(key, update),
  },
})

async function orphan(world: LogWorld, value: string) {
  const records = batchOf([value], world.core.clock.now())
  await world.during(append(dying(world), world.topic, [{ partition: 0, records }]).catch(() => undefined))
}

const objectsOf = (world: LogWorld) => world.core.objects.list('blobs/', { limit: 10_000 })

async function sweepAfter(world: LogWorld, ms: number, by: Core = world.core) {
  await world.pass(ms)
  const { sweep, partitions } = await world.run(by)
  if (sweep.error ?? partitions.error) throw sweep.error ?? partitions.error
  return { ...sweep, segments: partitions.sweptSegments }
}

async function isWhole(world: LogWorld): Promise<boolean> {
  const lines: string[] = []
  await world.during(verify(world.server(), { deep: true, found: (line) => lines.push(line) }))
  expect(lines).toEqual([])
  return lines.length === 0
}

test('what a writer stored and never named goes a day later, objects and items, and nothing else does', async () => {
  const world = await newLogWorld(forever)
  const values = mixedValues(60)
  await world.fill(values)
  const before = (await objectsOf(world)).length
  await orphan(world, 'large'.padEnd(20_000, '.'))
  await orphan(world, 'small'.padEnd(2_000, '.'))
  expect((await objectsOf(world)).length).toBe(before + 1)
  expect((await sweepAfter(world, 30 * minuteMs)).sweptBlobs).toBe(0)
  await world.fill(['later'])
  await world.pass(3 * hourMs)
  await world.fill(['later still'])
  expect((await sweepAfter(world, dayMs)).sweptBlobs).toBe(2)
  expect((await objectsOf(world)).length).toBe(before)
  expect((await world.readAnew()).map(text)).toEqual([...values, 'later', 'later still'])
  expect(await isWhole(world)).toBe(true)
})

test('a log that nobody writes to costs no listing', async () => {
  const world = await newLogWorld(forever)
  await world.fill(mixedValues(60))
  await world.pass(3 * hourMs)
  await world.fill(['later'])
  await sweepAfter(world, dayMs)
  let lists = 0
  const objects: Core['objects'] = {
    ...world.core.objects,
    list: (prefix, options) => {
      lists++
      return world.core.objects.list(prefix, options)
    },
  }
  for (let day = 0; day < 6; day++)
    await sweepAfter(world, dayMs, { ...world.server(), objects: { ...objects, metered: () => objects } })
  expect(lists).toBe(0)
})

test('blobs that partitions share go when all of them are rolled', async () => {
  const world = await newLogWorld({ ...forever, 'segment.ms': String(hourMs) }, 2)
  const both = async (value: string) => {
    const records = batchOf([value], world.core.clock.now())
    const asked = [0, 1].map((partition) => ({
      topic: world.topic,
      batches: { partition, records },
      sameTopicOnly: false,
    }))
    await world.during(outcomesOf(appendTogether(world.core, asked)))
    await world.pass(5)
  }
  for (let at = 0; at < 60; at++) await both(`${at}`.padEnd(9_000, '.'))
  const shared = (await objectsOf(world)).length
  expect(shared).toBe(60)
  for (const ms of [2 * hourMs, 11 * minuteMs, 3 * hourMs]) await world.maintainAfter(ms)
  expect((await objectsOf(world)).length).toBe(shared)
  await both('later')
  const { sweptBlobs } = await sweepAfter(world, dayMs + hourMs)
  expect(sweptBlobs).toBeGreaterThan(20)
  expect(await isWhole(world)).toBe(true)
  expect((await world.readAnew()).length).toBe(61)
  expect((await world.readAnew(undefined, 0, 1)).length).toBe(61)
})

test('a writer that slept meanwhile cannot name what was swept', async () => {
  const world = await newLogWorld(forever)
  await world.fill(mixedValues(20))
  const { core } = world
  let slept = false
  const items: Core['items'] = {
    ...core.items,
    async update(key, update) {
      if (key.pk === headKey(world.id).pk && !slept) {
        slept = true
        await world.pass(4 * hourMs)
        await world.fill(['another'])
        await sweepAfter(world, dayMs)
      }
      return core.items.update(key, update)
    },
  }
  const sleeper: Core = { ...world.server(), items, clock: { ...core.clock, sleep: world.pass } }
  const [outcome] = await append(sleeper, world.topic, [
    { partition: 0, records: batchOf(['slow'.padEnd(9_000, '.')], core.clock.now()) },
  ])
  expect(slept).toBe(true)
  expect(await isWhole(world)).toBe(true)
  const read = (await world.readAnew()).map(text)
  expect(read.filter((value) => value.startsWith('slow')).length).toBe(outcome && 'error' in outcome ? 0 : 1)
})

test('a ref that moves from the tail into the index during the sweep keeps its blob', async () => {
  const world = await newLogWorld(forever)
  const values = mixedValues(10)
  await world.fill(values)
  await world.pass(4 * hourMs)
  await world.fill(['later'])
  await world.pass(dayMs)
  let moved = 0
  let listed = false
  const objects: Core['objects'] = {
    ...world.core.objects,
    list: (prefix, options) => {
      listed ||= prefix.startsWith('blobs/')
      return world.core.objects.list(prefix, options)
    },
  }
  const items: Core['items'] = {
    ...world.core.items,
    async query(query) {
      const rows = await world.core.items.query(query)
      // What the sweep sees of the index is from before the move.
      if (listed && query.pk === `i/${world.topic.id}/0` && moved++ === 0) await world.fill(mixedValues(40))
      return rows
    },
  }
  const core = { ...world.server(), items, objects }
  const { sweep } = await maintain(core, { budgetMs: dayMs })
  expect(sweep.error).toBeUndefined()
  expect(moved).toBeGreaterThan(0)
  expect(await isWhole(world)).toBe(true)
  expect((await world.readAnew()).length).toBe(51)
})

test('what a deleted topic left in its tail goes, and what was on its way to it', async () => {
  const world = await newLogWorld(forever)
  await world.fill(mixedValues(30))
  await orphan(world, 'large'.padEnd(20_000, '.'))
  await world.during(deleteTopic(world.core, 'orders'))
  for (const ms of [minuteMs, 2 * hourMs, 2 * hourMs]) await sweepAfter(world, ms)
  expect((await objectsOf(world)).length).toBeGreaterThan(0)
  const other = await world.during(createTopic(world.core, { name: 'others', configs: forever }))
  await world.during(send(world.core, other, 0, ['o'.repeat(9_000)], world.core.clock.now()))
  await sweepAfter(world, 2 * dayMs)
  expect((await objectsOf(world)).length).toBe(1)
})

test('a segment’s object that a dead roller left goes, and those that are named stay', async () => {
  const world = await newLogWorld({ ...forever, 'segment.ms': String(hourMs) })
  const values = mixedValues(100)
  await world.fill(values)
  await world.maintainAfter(2 * hourMs)
  const { core, id } = world
  const orphanKey = segmentObjectKey(id, 5_000, newBlobId(core.clock.now(), core.random))
  await core.objects.put(orphanKey, [new Uint8Array(100)])
  const keys = async () => (await core.objects.list(segmentObjectsPrefix(id), { limit: 100 })).map(({ key }) => key)
  expect((await sweepAfter(world, 11 * minuteMs)).segments).toBe(0)
  expect(await keys()).toContain(orphanKey)
  expect((await sweepAfter(world, 8 * dayMs)).segments).toBe(1)
  expect(await keys()).not.toContain(orphanKey)
  expect(await isWhole(world)).toBe(true)
  expect((await world.readAnew()).map(text)).toEqual(values)
})

test('nothing is swept while the bucket is another cluster’s, too', async () => {
  const world = await newLogWorld(forever)
  await world.fill(mixedValues(20))
  await orphan(world, 'large'.padEnd(20_000, '.'))
  await world.pass(4 * hourMs)
  await world.fill(['later'])
  await world.core.objects.put(clusterMarkKey('other'), [new Uint8Array()])
  await expect(sweepAfter(world, dayMs)).rejects.toThrow(/also that of the cluster other/)
  await world.core.objects.delete([clusterMarkKey('other')])
  expect((await sweepAfter(world, 2 * hourMs)).sweptBlobs).toBe(1)
})

test('a sweep that dies at any call is followed by one that goes on', async () => {
  const world = await newLogWorld(forever)
  const values = mixedValues(20)
  await world.fill(values)
  await orphan(world, 'large'.padEnd(20_000, '.'))
  await orphan(world, 'small'.padEnd(2_000, '.'))
  await world.pass(4 * hourMs)
  await world.fill(['later'])
  await world.pass(dayMs)
  const blobObjects = (await objectsOf(world)).length
  for (let calls = 0; calls < 700; calls += 23) {
    let left = calls
    const mortal = <T extends object>(store: T): T =>
      new Proxy(store, {
        get: (target, name) => {
          // The cast: a method of the store, or whatever else is asked of it.
          const member = Reflect.get(target, name) as unknown
          if (name === 'metered') return () => mortal(target)
          if (typeof member !== 'function') return member
          return (...args: unknown[]) =>
            left-- > 0 ? Reflect.apply(member, target, args) : Promise.reject(new StoreError('misconfigured', 'killed'))
        },
      })
    const core = { ...world.server(), items: mortal(world.core.items), objects: mortal(world.core.objects) }
    await world.run(core).catch(() => undefined)
  }
  await sweepAfter(world, 2 * hourMs)
  expect((await objectsOf(world)).length).toBe(blobObjects - 1)
  expect(await isWhole(world)).toBe(true)
  expect((await world.readAnew()).map(text)).toEqual([...values, 'later'])
})
