import { expect, test } from 'vitest'
import { appendRef } from '../../src/log/append-ref.ts'
import { deleteRecords } from '../../src/log/delete-records.ts'
import { tailRefs } from '../../src/log/head.ts'
import { listOffset } from '../../src/log/offsets.ts'
import { readHeads } from '../../src/log/plan.ts'
import { readSpans, spanWriter } from '../../src/log/spans.ts'
import { topicNamed } from '../../src/log/topics.ts'
import type { ByteRange } from '../../src/store/objects.ts'
import { minuteMs } from '../maintenance/kit.ts'
import { hourMs, mixedValues, newLogWorld } from '../maintenance/log-kit.ts'
import { fetchOne, send, text } from './core.ts'
import { sendAs } from './producer.ts'

const eachHour = { 'segment.ms': String(hourMs) }
const anyTime = { 'message.timestamp.after.max.ms': '9223372036854775807' }

async function rolledWorld(values: readonly string[], configs = {}) {
  const world = await newLogWorld({ ...eachHour, ...configs })
  await world.fill(values)
  expect((await world.maintainAfter(2 * hourMs)).segments).toBeGreaterThan(0)
  return world
}

test('reading from any offset, with any limit of bytes, gives every record from there on in order', async () => {
  const values = mixedValues(300)
  const world = await rolledWorld(values)
  await world.fill(['after the segment'])
  for (const maxBytes of [0, 100, 20_000, 1_000_000]) {
    for (const offset of [0, 1, 77, 299]) {
      const read = await world.readAnew(maxBytes, offset)
      expect(read.map(text)).toEqual([...values, 'after the segment'].slice(offset))
    }
  }
})

test.each([
  ['regular', (at: number) => at],
  ['bursty', (at: number) => Math.floor(at / 50) * 50],
  ['out of order', (at: number) => (at % 7 === 3 ? at - 20 : at)],
  ['all but one at the same time', (at: number) => (at < 150 ? 0 : 1)],
])('by time, in a segment whose timestamps are %s, it is the first record at or after it', async (_, minutes) => {
  const world = await newLogWorld({ ...eachHour, ...anyTime })
  const start = world.core.clock.now()
  const timestamps = Array.from({ length: 200 }, (_, at) => start + minutes(at) * minuteMs)
  for (const [at, ms] of timestamps.entries()) {
    await send(world.core, world.topic, 0, [String(at).padEnd([10, 2_000, 9_000][at % 3] ?? 0), 'same batch'], ms)
  }
  expect((await world.maintainAfter(2 * hourMs)).segments).toBe(1)
  const asked = [0, 1, 10, 76.5, 150, 199, 500].map((at) => Math.floor(start + at * minuteMs))
  for (const timestampMs of [0, ...asked]) {
    const at = timestamps.findIndex((ms) => ms >= timestampMs)
    const expected = at < 0 ? { offset: -1, timestampMs: -1 } : { offset: at * 2, timestampMs: timestamps[at] }
    expect(await listOffset(world.server(), world.topic, 0, { timestampMs })).toEqual(expected)
  }
  const greatest = Math.max(...timestamps)
  expect(await listOffset(world.server(), world.topic, 0, 'max-timestamp')).toEqual({
    offset: timestamps.indexOf(greatest) * 2,
    timestampMs: greatest,
  })
})

test('a time that only records before the log’s start reach is looked for beyond them', async () => {
  const world = await newLogWorld({ ...eachHour, ...anyTime })
  const start = world.core.clock.now()
  await send(world.core, world.topic, 0, ['from the future'], start + 1_000 * hourMs)
  for (let at = 1; at < 150; at++) await send(world.core, world.topic, 0, [String(at)], start + at * minuteMs)
  await deleteRecords(world.core, world.topic, 0, 1)
  const byTime = () => listOffset(world.server(), world.topic, 0, { timestampMs: start + 30 * minuteMs })
  expect(await byTime()).toMatchObject({ offset: 30 })
  expect((await world.maintainAfter(2 * hourMs)).segments).toBe(1)
  expect(await byTime()).toMatchObject({ offset: 30 })
})

test('history is read in sequence with one GET per 4 MiB, and a lone read takes what it needs', async () => {
  const values = Array.from({ length: 900 }, (_, at) => `${at}`.padEnd(20_000, 'x'))
  const world = await rolledWorld(values, { 'segment.bytes': String(2 ** 30) })
  const { segments } = await world.entries()
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0)
  expect(bytes).toBeGreaterThan(16_000_000)
  const reader = countingGets(world)
  let offset = 0
  for (const end = segments.at(-1)?.end ?? 0; offset < end; ) {
    const fetched = await fetchOne(reader.core, world.topic, 0, offset)
    if ('error' in fetched) throw fetched.error
    expect(fetched.batches.length).toBeGreaterThan(0)
    offset += fetched.batches.length
  }
  const gets = segments.reduce((sum, one) => sum + Math.max(1, Math.floor(one.bytes / 2 ** 22)), 0)
  expect(reader.gets.length).toBeLessThanOrEqual(gets)
  const lone = countingGets(world)
  await fetchOne(lone.core, world.topic, 0, 300, 100_000)
  expect(lone.gets.map(({ start, end }) => end - start)).toEqual([expect.any(Number)])
  expect((lone.gets[0]?.end ?? 0) - (lone.gets[0]?.start ?? 0)).toBeLessThan(300_000)
})

function countingGets(world: { server(): ReturnType<Awaited<ReturnType<typeof newLogWorld>>['server']> }) {
  const gets: ByteRange[] = []
  const core = world.server()
  const objects = {
    ...core.objects,
    get(key: string, range?: ByteRange) {
      if (key.startsWith('segments/')) gets.push(range ?? { start: 0, end: Number.POSITIVE_INFINITY })
      return core.objects.get(key, range)
    },
  }
  return { core: { ...core, objects }, gets }
}

test('a fetch in rolled history is three trips, whatever is cold', async () => {
  const world = await rolledWorld(mixedValues(300))
  const core = world.server()
  const calls: string[] = []
  const counted = core.items.metered(({ call }) => calls.push(call))
  const objects = core.objects.metered(({ call }) => calls.push(`object ${call}`))
  await fetchOne({ ...core, items: counted, objects }, world.topic, 0, 100, 1_000)
  expect(calls).toEqual(['get', 'query', 'object get'])
})

test('a producer that repeats itself after its records were rolled is told where they are', async () => {
  const world = await newLogWorld(eachHour)
  const { core, topic } = world
  const timestampMs = core.clock.now()
  const first = await sendAs(core, topic, { producer: 7, sequence: 0, values: ['a', 'b'], timestampMs })
  const again = await sendAs(core, topic, { producer: 7, sequence: 2, values: ['c'], timestampMs })
  await world.fill(mixedValues(60))
  expect((await world.maintainAfter(2 * hourMs)).segments).toBe(1)
  const server = world.server()
  const known = await topicNamed(server, 'orders')
  expect(await sendAs(server, known, { producer: 7, sequence: 2, values: ['c'], timestampMs })).toBe(again)
  expect(await sendAs(server, known, { producer: 7, sequence: 0, values: ['a', 'b'], timestampMs })).toBe(first)
  expect(await sendAs(server, known, { producer: 7, sequence: 3, values: ['d'], timestampMs })).toBe(62 + 1)
})

test('whether an append whose ref was rolled away applied is unknown, and never denied', async () => {
  const world = await newLogWorld(eachHour)
  await world.fill(['x'.repeat(9_000)])
  const [ref] = await tailOf(world)
  if (!ref) throw new Error('the tail is empty')
  await world.fill(mixedValues(200))
  expect((await world.maintainAfter(2 * hourMs)).segments).toBe(1)
  await world.fill(mixedValues(200))
  const verdict = await appendRef(world.server(), world.id, ref, world.core.clock.uptime() + 1_000)
  expect(verdict).toMatchObject({ verdict: 'unknown' })
  const younger = { ...ref, stamp: ref.stamp + 10 * hourMs * 32 }
  expect(await appendRef(world.server(), world.id, younger, world.core.clock.uptime())).toMatchObject({
    verdict: 'appended',
  })
})

async function tailOf(world: Awaited<ReturnType<typeof newLogWorld>>) {
  const [head] = await readHeads(world.core, [world.id])
  return head ? tailRefs(head) : []
}

test('spans of a segment of any size are at most 256, of whole batches, and say where each begins', () => {
  for (const count of [1, 10, 1_000, 20_000]) {
    const batches = Array.from({ length: count }, (_, at) => ({
      baseOffset: 1_000 + at * 3,
      bytes: 100 + ((at * 7_919) % 20_000),
      maxTimestampMs: at % 10 === 0 ? -1 : 1_700_000_000_000 - ((at * 31) % 1_000),
    }))
    const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0)
    const writer = spanWriter(1_000, bytes)
    for (const batch of batches) writer.add(batch)
    const packed = writer.done(1_000 + count * 3)
    const spans = readSpans(packed, 1_000, 4)
    expect(spans.length).toBeLessThanOrEqual(256)
    expect(packed.length).toBeLessThan(3_000)
    expect([spans[0]?.base, spans[0]?.from]).toEqual([1_000, 4])
    expect([spans.at(-1)?.end, spans.at(-1)?.to]).toEqual([1_000 + count * 3, 4 + bytes])
    for (const [at, span] of spans.entries()) {
      const before = batches.filter(({ baseOffset }) => baseOffset < span.end)
      expect(span.runningTimestampMs).toBe(Math.max(...before.map(({ maxTimestampMs }) => maxTimestampMs)))
      expect(span.to - 4).toBe(before.reduce((sum, batch) => sum + batch.bytes, 0))
      if (at > 0) expect([span.base, span.from]).toEqual([spans[at - 1]?.end, spans[at - 1]?.to])
    }
  }
})
