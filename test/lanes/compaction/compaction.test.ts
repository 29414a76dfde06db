/** Needs Java 17, Maven and kcat. Everything is done to Apache Kafka and to Millrace, and what both hold then is told side by side. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { keyedBatch } from '../../maintenance/keyed-kit.ts'
import { openKafka } from './apache-kafka.ts'
import { compacted, minuteMs, newest, newLog, segmentBytes, shown } from './log.ts'
import { openMillrace } from './millrace.ts'
import { type Shape, type Step, sequence } from './sequence.ts'
import { eventually, type Read, type Side } from './side.ts'

const dayMs = 24 * 60 * minuteMs

let folder: string
let sides: readonly Side[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-compaction-'))
  sides = await Promise.all([openKafka(join(folder, 'kafka')), openMillrace(join(folder, 'millrace'))])
})
afterAll(async () => {
  await Promise.all(sides.map((side) => side.stop()))
  await rm(folder, { recursive: true })
})

const dense: Shape = { batches: 60, keys: 12, recordsMost: 20, valueBytesMost: 60, tombstones: 0.1 }
const wide: Shape = { batches: 60, keys: 3_000, recordsMost: 40, valueBytesMost: 40, tombstones: 0.1 }
const large: Shape = { batches: 100, keys: 80, recordsMost: 6, valueBytesMost: 16_000, tombstones: 0.1 }

/** Each round's sequence is another one, and half an hour younger. */
const stepsOf = (seed: number, round: number, shape: Shape, daysAgo = 1): readonly Step[] =>
  sequence(seed * 100 + round, shape, Date.now() - daysAgo * dayMs + round * 30 * minuteMs)

function expectBoth(held: readonly (readonly Read[])[], expected: readonly Read[]): void {
  const [kafka, millrace] = held
  expect(shown(kafka), 'what Kafka holds').toEqual(shown(expected))
  expect(shown(millrace), 'what Millrace holds').toEqual(shown(expected))
  expect(millrace).toEqual(kafka)
}

describe('after cleaning both hold the newest record of each key, at the same offset, and nothing else', () => {
  test.each([
    { name: 'a few keys, many times over', seed: 1, shape: dense },
    { name: 'many keys, some of them again', seed: 2, shape: wide },
    { name: 'several segments', seed: 3, shape: large },
  ])('$name', async ({ seed, shape }) => {
    const log = await newLog(sides, `newest-${seed}`, compacted)
    for (let round = 0; round < 3; round++) {
      const held = await log.round(stepsOf(seed, round, shape))
      expectBoth(held, newest(log.sent()))
    }
  })
})

describe('a tombstone outlives the pass that cleans before it, and goes with the next one after delete.retention.ms', () => {
  test.each([0, 2_000])('of %i ms', async (retentionMs) => {
    const log = await newLog(sides, `tombstones-${retentionMs}`, {
      ...compacted,
      'delete.retention.ms': String(retentionMs),
    })
    for (let round = 0; round < 3; round++) {
      const before = log.sent().length
      const firstOfRound = log.sent().at(-1)?.offset ?? -1
      const held = await log.round(stepsOf(10 + retentionMs, round, { ...dense, tombstones: 0.4 }))
      const cleanedMs = Date.now()
      const expected = newest(log.sent()).filter(({ payload, offset }) => payload !== null || offset > firstOfRound)
      expect(newest(log.sent().slice(before)).some(({ payload }) => payload === null)).toBe(true)
      expectBoth(held, expected)
      await eventually('the tombstones are old enough', async () => Date.now() > cleanedMs + retentionMs)
    }
  })
})

test('records without a key are refused where a topic is compacted, and dropped where they were there before', async () => {
  const log = await newLog(sides, 'without-key', { 'cleanup.policy': 'delete' })
  const [first, ...steps] = stepsOf(20, 0, dense)
  if (!first) throw new Error('a sequence has batches')
  const keyless: Step = { ...first, records: [[null, 'nobody'], ...first.records, [null, null]] }
  await log.send([keyless, ...steps])
  await log.alter(compacted)
  const batch = await keyedBatch(
    [
      ['key 1', 'fine'],
      [null, 'not'],
    ],
    Date.now(),
  )
  const { code } = new KafkaError('INVALID_RECORD', 'no key')
  expect(await log.errors(batch)).toEqual([[code], [code]])
  const held = await log.round(stepsOf(20, 1, dense))
  expectBoth(held, newest(log.sent().filter(({ key }) => key !== null)))
})

describe('both wait, and both do not, as they are told', () => {
  /** Kafka has looked at all of its logs more than once when another one was cleaned twice. */
  async function passes(name: string): Promise<void> {
    const log = await newLog(sides, `passes-${name}`, compacted)
    for (let round = 0; round < 2; round++) await log.round(stepsOf(30, round, { ...dense, batches: 2 }))
  }

  test('for min.cleanable.dirty.ratio', async () => {
    const log = await newLog(sides, 'ratio', { ...compacted, 'min.cleanable.dirty.ratio': '0.5' })
    const held = await log.round(stepsOf(31, 0, wide))
    expectBoth(held, newest(log.sent()))
    const clean = held[0] ?? []
    const from = log.sent().length
    await log.send(stepsOf(31, 1, { ...wide, batches: 10 }))
    await passes('ratio')
    expectBoth(await log.hold(), [...clean, ...log.sent().slice(from)])
    expectBoth(await log.round(stepsOf(31, 2, { ...wide, batches: 200 })), newest(log.sent()))
  })

  test('for min.compaction.lag.ms', async () => {
    const log = await newLog(sides, 'young', { ...compacted, 'min.compaction.lag.ms': String(5 * dayMs) })
    const clean = (await log.round(stepsOf(32, 0, dense, 10)))[0] ?? []
    expectBoth([clean, clean], newest(log.sent()))
    const from = log.sent().length
    await log.send(stepsOf(32, 1, dense, 2))
    await passes('young')
    expectBoth(await log.hold(), [...clean, ...log.sent().slice(from)])
  })

  test('no longer than max.compaction.lag.ms', async () => {
    const never = { ...compacted, 'min.cleanable.dirty.ratio': '1' }
    const old = await newLog(sides, 'old', { ...never, 'max.compaction.lag.ms': String(5 * dayMs) })
    const young = await newLog(sides, 'not-old', { ...never, 'max.compaction.lag.ms': String(5 * dayMs) })
    await young.send(stepsOf(33, 0, dense, 2))
    expectBoth(await old.round(stepsOf(33, 0, dense, 10)), newest(old.sent()))
    await passes('old')
    expectBoth(await young.hold(), young.sent())
  })
})

describe('retention keeps the same', () => {
  test.each(['delete', 'compact,delete'])('by time, with cleanup.policy=%s', async (policy) => {
    const log = await newLog(sides, `time-${policy.replace(',', '-')}`, {
      ...compacted,
      'cleanup.policy': policy,
      'min.cleanable.dirty.ratio': '1',
      'retention.ms': String(5 * dayMs),
    })
    const end = await log.send(stepsOf(40, 0, dense, 10))
    await log.retained((start) => start >= end)
    await log.send(stepsOf(40, 1, dense, 2))
    await log.retained((start) => start >= end)
    expectBoth(
      await log.hold(),
      log.sent().filter(({ offset }) => offset >= end),
    )
  })

  test.each([
    { segments: 0, valueBytesMost: 40_000 },
    { segments: 2, valueBytesMost: 8_000 },
    { segments: 3.5, valueBytesMost: 40_000 },
  ])(
    'to within a segment, with retention.bytes of $segments segments and values up to $valueBytesMost bytes',
    async (one) => {
      const { segments, valueBytesMost } = one
      const limit = segments * segmentBytes
      const log = await newLog(sides, `size-${segments}-${valueBytesMost}`, { 'retention.bytes': String(limit) })
      const shape = { ...large, batches: (4 * 700_000) / valueBytesMost, tombstones: 0, valueBytesMost }
      for (let round = 0; round < 2; round++) {
        await log.send(stepsOf(50 + segments, round, shape))
        await log.retained((start) => log.bytesFrom(start) <= limit + segmentBytes)
        const kept = (await log.starts()).map(log.bytesFrom)
        console.log(
          `of ${log.bytesFrom(0)} bytes, by retention.bytes=${limit}, Kafka kept ${kept[0]}, Millrace ${kept[1]}`,
        )
        for (const bytes of kept) expect(bytes).toBeGreaterThanOrEqual(Math.min(limit, log.bytesFrom(0)))
        expect(Math.abs((kept[0] ?? 0) - (kept[1] ?? 0))).toBeLessThanOrEqual(segmentBytes)
      }
    },
  )
})
