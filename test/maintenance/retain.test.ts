import { expect, test } from 'vitest'
import { alterTopicConfigs } from '../../src/log/alter-topic.ts'
import { deleteRecords } from '../../src/log/delete-records.ts'
import { raiseConfigVersion, readHead, tailRefs } from '../../src/log/head.ts'
import { headKey } from '../../src/log/keys.ts'
import { piecesOfRefs } from '../../src/log/plan.ts'
import { objectKeyOf } from '../../src/log/segment.ts'
import { deleteTopic, findTopic } from '../../src/log/topics.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { ItemStore } from '../../src/store/items.ts'
import { failure, fetchOne, send, text } from '../log/core.ts'
import { dayMs, minuteMs } from './kit.ts'
import { hourMs, type LogWorld, mixedValues, newLogWorld } from './log-kit.ts'

const keep = (ms: number, more: Record<string, string> = {}) => ({ 'retention.ms': String(ms), ...more })
const graceMs = 10 * minuteMs
const values = (prefix: string, count: number) => mixedValues(count).map((value) => prefix + value)

async function headOf({ core, id }: LogWorld) {
  const item = await core.items.get(headKey(id))
  if (!item) throw new Error('no head')
  return readHead(id, item)
}

/** What is left of the blobs and segments, as objects and as items. */
async function blobsLeft({ stores, id }: LogWorld) {
  const objects = await stores.objects.list('', { limit: 10_000 })
  return objects.filter(({ key }) => key.startsWith('blobs/') || key.includes(id.topicId)).length
}

test('records older than retention.ms go, the log begins behind them, and what is younger stays', async () => {
  const world = await newLogWorld(keep(dayMs))
  await world.fill(values('old', 100))
  await world.pass(dayMs / 2)
  await world.fill(values('young', 100))
  await world.maintainAfter(dayMs / 2 + minuteMs)
  const { start, next } = await headOf(world)
  expect(start).toBeGreaterThan(80)
  expect(start).toBeLessThanOrEqual(100)
  expect(next).toBe(200)
  expect((await world.readAnew(1_000_000, start)).map(text).slice(100 - start)).toEqual(values('young', 100))
  expect(failure(await fetchOne(world.server(), world.topic, 0, start - 1))).toBe('OFFSET_OUT_OF_RANGE')
})

test('what is below the start is left to those who are reading it for ten minutes, and then goes', async () => {
  const world = await newLogWorld(keep(dayMs))
  await world.fill(values('old', 100))
  const entries = (await world.entries()).all.length
  await world.maintainAfter(dayMs + hourMs)
  const blobs = await blobsLeft(world)
  expect((await world.entries()).all.length).toBeGreaterThanOrEqual(entries)
  expect(blobs).toBeGreaterThan(0)
  await world.maintainAfter(graceMs / 2)
  expect(await blobsLeft(world)).toBe(blobs)
  const report = await world.maintainAfter(graceMs)
  expect(report.removedEntries).toBeGreaterThan(0)
  expect(await blobsLeft(world)).toBeLessThan(blobs / 2)
})

test('a log that nobody writes to becomes empty, counts no bytes, and goes on where it was', async () => {
  const world = await newLogWorld(keep(dayMs))
  await world.fill(values('old', 37))
  for (let run = 0; run < 4; run++) await world.maintainAfter(dayMs)
  expect(await headOf(world)).toMatchObject({ start: 37, next: 37, retired: 37, bytes: 0, packedTail: [] })
  expect((await world.entries()).all).toEqual([])
  await world.fill(['new'])
  expect((await world.readAnew(1_000_000, 37)).map(text)).toEqual(['new'])
})

test('rolled segments go as chunks do', async () => {
  const world = await newLogWorld(keep(dayMs, { 'segment.ms': String(hourMs) }))
  await world.fill(values('old', 200))
  expect((await world.maintainAfter(2 * hourMs)).segments).toBe(1)
  await world.fill(values('young', 50))
  await world.maintainAfter(dayMs - hourMs)
  expect((await headOf(world)).start).toBeGreaterThan(180)
  await world.maintainAfter(graceMs)
  await world.maintainAfter(dayMs)
  await world.maintainAfter(graceMs)
  await world.maintainAfter(graceMs)
  expect((await world.entries()).all).toEqual([])
  expect(await headOf(world)).toMatchObject({ bytes: 0, start: 250 })
  expect(await blobsLeft(world)).toBe(0)
})

test('a segment that cannot tell what it was made of goes all the same, and nothing waits for it', async () => {
  for (const isDeleted of [false, true]) {
    const world = await newLogWorld(keep(dayMs, { 'segment.ms': String(hourMs) }))
    await world.fill(values('old', 200))
    expect((await world.maintainAfter(2 * hourMs)).segments).toBe(1)
    const [segment] = (await world.entries()).segments
    const key = segment ? objectKeyOf(world.id, segment) : ''
    const whole = (await world.core.objects.get(key)) ?? new Uint8Array()
    await world.core.objects.delete([key])
    await world.core.objects.put(key, [whole.fill(0xff, whole.length - 2)])
    if (isDeleted) await world.during(deleteTopic(world.core, 'orders'))
    for (let run = 0; run < 4; run++) {
      await world.pass(dayMs)
      const { jobs, partitions } = await world.run()
      // While it lives it is told.
      if (run > 0) expect([jobs.error, partitions.error]).toEqual([undefined, undefined])
    }
    expect((await world.entries()).all).toEqual([])
    // Blobs are left to the sweep.
    expect(await world.stores.objects.list('segments/', { limit: 10 })).toEqual([])
  }
})

test('a partition keeps at least retention.bytes, and little more', async () => {
  const limit = 100_000
  const world = await newLogWorld({ 'retention.ms': '-1', 'retention.bytes': String(limit) })
  await world.fill(values('r', 300))
  const before = await headOf(world)
  expect(before.bytes).toBeGreaterThan(3 * limit)
  await world.maintainAfter(minuteMs)
  const { bytes, start } = await headOf(world)
  expect(bytes).toBeGreaterThanOrEqual(limit)
  expect(bytes).toBeLessThan(limit * 1.8)
  expect((await world.readAnew(1_000_000, start)).map(text)).toEqual(values('r', 300).slice(start))
  expect(bytes).toBe(await bytesFrom(world, start))
})

test('a record from the future keeps those behind it, as in Kafka', async () => {
  const world = await newLogWorld(keep(dayMs, { 'message.timestamp.after.max.ms': '9999999999999' }))
  await world.during(send(world.core, world.topic, 0, ['ahead'], world.core.clock.now() + 10 * dayMs))
  await world.fill(values('old', 100))
  await world.maintainAfter(5 * dayMs)
  expect((await headOf(world)).start).toBe(0)
  await world.maintainAfter(7 * dayMs)
  expect((await headOf(world)).start).toBeGreaterThan(80)
})

test('with retention.ms=-1 nothing goes for its age, nor where a topic is only compacted', async () => {
  const world = await newLogWorld(keep(-1))
  await world.fill(values('r', 60))
  await world.maintainAfter(1_000 * dayMs)
  expect(await headOf(world)).toMatchObject({ start: 0, next: 60 })
  const compacted = { ...keep(1_000), 'retention.bytes': '1000', 'cleanup.policy': 'compact' }
  await world.during(alterTopicConfigs(world.core, 'orders', compacted))
  await world.maintainAfter(1_000 * dayMs)
  expect(await headOf(world)).toMatchObject({ start: 0, next: 60 })
})

test('a lower retention holds from the next run on, and a higher one saves what the lower has left', async () => {
  const world = await newLogWorld(keep(30 * dayMs))
  await world.fill(values('a', 60))
  await world.maintainAfter(2 * dayMs)
  await world.fill(values('b', 60))
  await world.maintainAfter(2 * dayMs)
  expect((await headOf(world)).start).toBe(0)
  await world.during(alterTopicConfigs(world.core, 'orders', keep(3 * dayMs)))
  await world.maintainAfter(minuteMs)
  const { start } = await headOf(world)
  expect(start).toBeGreaterThan(40)
  await world.during(alterTopicConfigs(world.core, 'orders', keep(30 * dayMs)))
  await world.maintainAfter(2 * dayMs)
  expect((await headOf(world)).start).toBe(start)
})

test('what DeleteRecords has put below the start is removed and not counted any more', async () => {
  const world = await newLogWorld(keep(-1))
  await world.fill(values('r', 200))
  await deleteRecords(world.core, world.topic, 0, 103)
  await world.maintainAfter(minuteMs)
  expect((await headOf(world)).bytes).toBe(await bytesFrom(world, 103))
  await world.maintainAfter(graceMs)
  expect((await world.entries()).all[0]?.end).toBeGreaterThan(103)
  await deleteRecords(world.core, world.topic, 0, 'end')
  for (let run = 0; run < 4; run++) await world.maintainAfter(graceMs)
  expect(await headOf(world)).toMatchObject({ start: 200, bytes: 0 })
  expect((await world.entries()).all).toEqual([])
  expect(await blobsLeft(world)).toBe(0)
})

test('bytes are counted right through a roll of what DeleteRecords has cut through', async () => {
  const world = await newLogWorld(keep(dayMs, { 'segment.ms': String(hourMs) }))
  await world.fill(values('r', 200))
  await deleteRecords(world.core, world.topic, 0, 53)
  await world.maintainAfter(2 * hourMs)
  expect((await world.entries()).segments).toHaveLength(1)
  await deleteRecords(world.core, world.topic, 0, 97)
  for (let run = 0; run < 4; run++) await world.maintainAfter(dayMs)
  expect(await headOf(world)).toMatchObject({ start: 200, bytes: 0, packedTail: [] })
})

test('bytes are counted right through a roll that comes before retention has counted so far', async () => {
  const world = await newLogWorld(keep(-1, { 'segment.ms': String(hourMs) }))
  await world.fill(values('r', 200))
  // The head announces configs, and retention waits for them; the roll does not.
  const { configVersion } = await headOf(world)
  await world.pass(2 * hourMs)
  await world.core.items.update(headKey(world.id), raiseConfigVersion(configVersion + 1))
  const [, second] = (await world.entries()).chunks
  await deleteRecords(world.core, world.topic, 0, (second?.base ?? 0) + 2)
  await world.maintainAfter(minuteMs)
  expect((await world.entries()).segments).toHaveLength(1)
  for (let run = 0; run < 4; run++) await world.maintainAfter(hourMs)
  await deleteRecords(world.core, world.topic, 0, 'end')
  for (let run = 0; run < 4; run++) await world.maintainAfter(hourMs)
  expect(await headOf(world)).toMatchObject({ start: 200, bytes: 0, packedTail: [] })
})

test('with retention.bytes=0 nothing stays, as in Kafka', async () => {
  const world = await newLogWorld({ 'retention.ms': '-1', 'retention.bytes': '0' })
  await world.fill(values('r', 100))
  for (let run = 0; run < 4; run++) await world.maintainAfter(hourMs)
  expect(await headOf(world)).toMatchObject({ start: 100, bytes: 0, packedTail: [] })
  expect(await blobsLeft(world)).toBe(0)
})

test('two runs at once take the bytes off once', async () => {
  const world = await newLogWorld(keep(dayMs))
  await world.fill(values('old', 200))
  await world.pass(dayMs / 2)
  await world.fill(values('young', 100))
  await world.pass(dayMs / 2 + minuteMs)
  await Promise.all([world.run(world.server()), world.run(world.server()), world.run(world.server())])
  const { start, bytes } = await headOf(world)
  expect(start).toBeGreaterThan(180)
  expect(bytes).toBe(await bytesFrom(world, start))
})

test('a run that dies at any of its calls leaves a log that the next one brings to the same end', async () => {
  let died = 0
  for (let call = 1; call < 60; call += 2) {
    const world = await newLogWorld(keep(dayMs))
    await world.fill(values('old', 40))
    await world.pass(dayMs / 2)
    await world.fill(values('young', 30))
    await world.pass(dayMs / 2 + minuteMs)
    const dying = world.server(dyingAfter(world.stores.items, call))
    for (let run = 0; run < 3; run++) {
      await world.run(dying).catch(() => {})
      const { start } = await headOf(world)
      expect((await world.readAnew(1_000_000, start)).map(text)).toEqual(
        [...values('old', 40), ...values('young', 30)].slice(start),
      )
      await world.pass(graceMs)
    }
    if ((await headOf(world)).start === 0) died++
    for (let run = 0; run < 3; run++) await world.maintainAfter(2 * graceMs)
    const { start, bytes } = await headOf(world)
    expect(bytes).toBe(await bytesFrom(world, start))
    for (let run = 0; run < 5; run++) await world.maintainAfter(dayMs)
    expect(await headOf(world)).toMatchObject({ start: 70, bytes: 0 })
    expect((await world.entries()).all).toEqual([])
    expect(await blobsLeft(world)).toBe(0)
  }
  expect(died).toBeGreaterThan(0)
})

test('records do not go by configs that are being replaced, nor for ever stay by those that never came', async () => {
  const world = await newLogWorld(keep(dayMs))
  await world.fill(values('old', 60))
  await world.pass(dayMs + minuteMs)
  const dying: ItemStore = {
    ...world.stores.items,
    update: async (key, update) => {
      if (key.pk === 'topics') throw new StoreError('misconfigured', 'died here')
      return world.stores.items.update(key, update)
    },
  }
  const longer = alterTopicConfigs(world.server(dying), 'orders', keep(30 * dayMs))
  await expect(world.during(longer)).rejects.toThrow('died here')
  await world.maintainAfter(10)
  expect((await headOf(world)).start).toBe(0)
  await world.maintainAfter(5 * minuteMs)
  expect((await headOf(world)).start).toBeGreaterThan(40)
  expect((await findTopic(world.core, 'orders'))?.configVersion).toBe((await headOf(world)).configVersion)
})

test('a partition with nothing to go costs a look no write', async () => {
  const world = await newLogWorld(keep(dayMs))
  await world.fill(values('r', 100))
  await world.maintainAfter(minuteMs)
  await world.maintainAfter(minuteMs)
  let writes = 0
  const counting: ItemStore = {
    ...world.stores.items,
    update: (key, update) => {
      if (key.pk !== 'maintenance') writes++
      return world.stores.items.update(key, update)
    },
    metered: () => counting,
  }
  await world.pass(minuteMs)
  await world.run(world.server(counting))
  expect(writes).toBe(0)
})

/** The bytes of all batches from the start on, as the index and the tail name them. */
async function bytesFrom(world: LogWorld, start: number): Promise<number> {
  const { chunks, segments } = await world.entries()
  const head = await headOf(world)
  const refs = [
    ...chunks.flatMap((chunk) => piecesOfRefs(chunk.refs, chunk.base)),
    ...piecesOfRefs(tailRefs(head), head.tailStart),
  ]
  const inRefs = refs.filter(({ end }) => end > start).reduce((sum, { length }) => sum + length, 0)
  return segments.filter(({ end }) => end > start).reduce((sum, { bytes }) => sum + bytes, inRefs)
}

function dyingAfter(items: ItemStore, calls: number): ItemStore {
  let left = calls
  const die = async () => {
    if (left-- <= 0) throw new StoreError('unavailable', 'the process is dead')
  }
  const dying: ItemStore = {
    ...items,
    get: (key) => die().then(() => items.get(key)),
    batchGet: (keys) => die().then(() => items.batchGet(keys)),
    query: (query) => die().then(() => items.query(query)),
    update: (key, update) => die().then(() => items.update(key, update)),
    delete: (key, condition) => die().then(() => items.delete(key, condition)),
    transact: (actions) => die().then(() => items.transact(actions)),
    metered: () => dying,
  }
  return dying
}
