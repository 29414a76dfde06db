import { expect, test } from 'vitest'
import { deleteRecords } from '../../src/log/delete-records.ts'
import {
  blobItemKey,
  blobObjectKey,
  headKey,
  indexPk,
  segmentKey,
  spilledProducerKey,
  topicsPk,
} from '../../src/log/keys.ts'
import { objectKeyOf } from '../../src/log/segment.ts'
import { deleteTopic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { add, type Query, set } from '../../src/store/items.ts'
import { verify } from '../../src/verify/verify.ts'
import { minuteMs } from '../maintenance/kit.ts'
import { hourMs, type LogWorld, mixedValues, newLogWorld } from '../maintenance/log-kit.ts'

/** What `verify` says of everything. */
async function told(world: LogWorld, deep = false, by: Core = world.server()) {
  const lines: string[] = []
  const verified = await world.during(verify(by, { deep, found: (line) => lines.push(line) }))
  expect(verified.contradictions).toBe(lines.length)
  return { ...verified, lines }
}

/** A log with segments, chunks and a tail. */
async function longWorld() {
  const world = await newLogWorld({ 'segment.ms': String(hourMs) })
  await world.fill(mixedValues(200))
  await world.maintainAfter(2 * hourMs)
  await world.fill(mixedValues(120))
  return world
}

test('a sound log is whole at every stage of its life, whatever has happened to it', async () => {
  const world = await longWorld()
  for (const deep of [false, true]) {
    const { lines, looked } = await told(world, deep)
    expect(lines).toEqual([])
    expect(looked).toMatchObject({ partitions: 1, segments: 1, offsets: 320 })
    expect(looked.chunks).toBeGreaterThan(1)
  }
  await deleteRecords(world.core, world.topic, 0, 250)
  expect((await told(world, true)).lines).toEqual([])
  for (const ms of [5, 11, 70, 11, 11]) {
    await world.maintainAfter(ms * minuteMs)
    expect((await told(world, true)).lines).toEqual([])
  }
  await world.maintainAfter(8 * 24 * hourMs)
  expect((await told(world, true)).lines).toEqual([])
})

type Planted = {
  readonly name: string
  readonly plant: (world: LogWorld) => Promise<unknown>
  readonly line: RegExp
  /** Only a look at every byte finds it. */
  readonly deep?: boolean
}

const change = (world: LogWorld, ...patches: Parameters<Core['items']['update']>[1]['patches']) =>
  world.core.items.update(headKey(world.id), { patches })

async function aChunk(world: LogWorld) {
  const chunk = (await world.entries()).chunks[1]
  if (!chunk) throw new Error('the log has no second chunk')
  const key = { pk: indexPk(world.id), sk: `${String(chunk.base).padStart(16, '0')}c` }
  return { chunk, key }
}

async function aRef(world: LogWorld, place: string) {
  const refs = (await world.entries()).chunks.flatMap(({ refs }) => refs)
  const ref = refs.find((one) => one.place === place)
  if (!ref) throw new Error(`no chunk names a blob ${place}`)
  return ref
}

async function theSegment(world: LogWorld) {
  const [segment] = (await world.entries()).segments
  if (!segment) throw new Error('there is no segment')
  return { segment, key: segmentKey(world.id, segment.base), object: objectKeyOf(world.id, segment) }
}

/** The object anew, with one byte changed. */
async function damage(world: LogWorld, key: string, at: number) {
  const bytes = await world.core.objects.get(key)
  if (!bytes) throw new Error(`there is no ${key}`)
  const place = at < 0 ? bytes.length + at : at
  bytes[place] = (bytes[place] ?? 0) ^ 0xff
  await world.core.objects.delete([key])
  await world.core.objects.put(key, [bytes])
}

const planted: readonly Planted[] = [
  {
    name: 'a head is gone',
    plant: (world) => world.core.items.delete(headKey(world.id)),
    line: /no head/,
  },
  {
    name: 'the end is not where the tail ends',
    plant: (world) => change(world, add('n', 1)),
    line: /the tail goes from \d+ to 320, and the log ends at 321/,
  },
  {
    name: 'bytes were counted twice',
    plant: (world) => change(world, add('b', 10)),
    line: /the head counts \d+ bytes, and its entries have \d+/,
  },
  {
    name: 'the log starts beyond its end',
    plant: (world) => change(world, set('s', 1_000)),
    line: /the log starts at 1000 and ends at 320/,
  },
  {
    name: 'the head is of a later format',
    plant: (world) => change(world, set('v', 99)),
    line: /has format 99/,
  },
  {
    name: 'a chunk is gone',
    plant: async (world) => world.core.items.delete((await aChunk(world)).key),
    line: /offsets \d+ to \d+ are in no entry/,
  },
  {
    name: 'a chunk says another end',
    plant: async (world) => world.core.items.update((await aChunk(world)).key, { patches: [add('e', -1)] }),
    line: /and its refs have \d+ records/,
  },
  {
    name: 'a running stamp is less than the one before it',
    plant: async (world) => world.core.items.update((await aChunk(world)).key, { patches: [set('g', 1)] }),
    line: /running stamp 1, less than/,
  },
  {
    name: 'a running timestamp is less than that of a ref',
    plant: async (world) => world.core.items.update((await aChunk(world)).key, { patches: [set('m', 1)] }),
    line: /running timestamp 1, and a ref of/,
  },
  {
    name: 'a blob item is gone',
    plant: async (world) => world.core.items.delete(blobItemKey((await aRef(world, 'item')).id)),
    line: /the blob item \w+ of offset \d+ is missing/,
  },
  {
    name: 'a blob item is for another partition',
    plant: async (world) =>
      world.core.items.update(blobItemKey((await aRef(world, 'item')).id), { patches: [set('p', ['else/0'])] }),
    line: /is not for this partition/,
  },
  {
    name: 'a blob item is shorter than its ref says',
    plant: async (world) =>
      world.core.items.update(blobItemKey((await aRef(world, 'item')).id), { patches: [set('d', new Uint8Array(9))] }),
    line: /has 9 bytes at 0, not \d+/,
  },
  {
    name: 'a blob object is gone',
    plant: async (world) => world.core.objects.delete([blobObjectKey((await aRef(world, 'object')).id)]),
    line: /the object blobs\S+ of offset \d+ is missing/,
  },
  {
    name: 'a byte of a blob object has changed',
    plant: async (world) => damage(world, blobObjectKey((await aRef(world, 'object')).id), -5),
    line: /CRC-32C/,
    deep: true,
  },
  {
    name: 'a segment is gone',
    plant: async (world) => world.core.items.delete((await theSegment(world)).key),
    line: /offsets 0 to \d+ are in no entry/,
  },
  {
    name: 'a segment’s object is gone',
    plant: async (world) => world.core.objects.delete([(await theSegment(world)).object]),
    line: /the object segments\S+ is missing/,
  },
  {
    name: 'a segment says another size',
    plant: async (world) => world.core.items.update((await theSegment(world)).key, { patches: [add('l', 3)] }),
    line: /has not the \d+ bytes that its entry says/,
  },
  {
    name: 'a segment’s spans do not cover it',
    plant: async (world) => world.core.items.update((await theSegment(world)).key, { patches: [add('b', -1)] }),
    line: /the spans of the segment at 0 have \d+ bytes/,
  },
  {
    name: 'a segment’s footer is damaged',
    plant: async (world) => damage(world, (await theSegment(world)).object, -2),
    line: /the footer of .* cannot be read/,
  },
  {
    name: 'a byte of a segment has changed',
    plant: async (world) => damage(world, (await theSegment(world)).object, 100),
    line: /the batches from offset 0 on/,
    deep: true,
  },
  {
    name: 'a producer left when the log was longer',
    plant: (world) =>
      world.core.items.update(spilledProducerKey(world.id, '1'), {
        patches: [set('v', 1), set('e', 0), set('s', 0), set('at', 0), set('n', 999)],
      }),
    line: /producer 1 left the head when the log ended at 999/,
  },
]

for (const { name, plant, line, deep = false } of planted) {
  test(`it is told when ${name}`, async () => {
    const world = await longWorld()
    await plant(world)
    if (deep) expect((await told(world)).lines).toEqual([])
    const { lines } = await told(world, deep)
    expect(lines.join('\n')).toMatch(line)
    for (const one of lines) expect(one).toMatch(/^orders-0: /)
  })
}

test('what is missing is named, so that it can be brought back', async () => {
  const world = await longWorld()
  const { object } = await theSegment(world)
  await world.core.objects.delete([object])
  expect((await told(world)).missingObjects).toEqual([object])
})

test('what moves during the look is no contradiction', async () => {
  const world = await newLogWorld({ 'segment.ms': String(hourMs) })
  await world.fill(mixedValues(200))
  const { core } = world
  let moves = 0
  const items: Core['items'] = {
    ...core.items,
    async query(query) {
      // Between the head and its index records come, and chunks are rolled.
      if (query.pk === indexPk(world.id) && moves < 2) {
        moves++
        await world.fill(mixedValues(60))
        await world.maintainAfter(2 * hourMs)
      }
      return core.items.query(query)
    },
  }
  const clock = { ...core.clock, sleep: world.pass }
  const lines: string[] = []
  await verify({ ...world.server(), items, clock }, { deep: true, found: (line) => lines.push(line) })
  expect(moves).toBe(2)
  expect(lines).toEqual([])
})

test('a topic that is deleted while it is looked at is no contradiction', async () => {
  const world = await longWorld()
  const core = world.server()
  const { query } = core.items
  const items = {
    ...core.items,
    query: async (asked: Query) => {
      const rows = await query(asked)
      if (asked.pk === topicsPk) await deleteTopic(world.core, 'orders')
      return rows
    },
  }
  expect((await told(world, false, { ...core, items })).lines).toEqual([])
})
