/** Needs Java 17, Maven and kcat. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openKafka } from './apache-kafka.ts'
import { openMillrace } from './millrace.ts'
import { batchesOf, type Shape, type Step, sequence, settledKey, settling } from './sequence.ts'
import { append, createTopic, type Read, readAll, type Side } from './side.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const segmentBytes = String(1024 * 1024)

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

const compacted = {
  'cleanup.policy': 'compact',
  'segment.bytes': segmentBytes,
  'segment.ms': String(minuteMs),
  'min.cleanable.dirty.ratio': '0.01',
}

/** One log on both sides. Each does all of a round by itself; what both hold after it is told side by side. */
async function newLog(topic: string, configs: Readonly<Record<string, string>> = {}) {
  for (const side of sides) await createTopic(side, topic, { ...compacted, ...configs })
  /** What was sent, at its offset. */
  const sent: Read[] = []
  return {
    sent,
    /** Appends this to both and has it compacted; what both then hold of it, and of all before. */
    async round(steps: readonly Step[]): Promise<readonly (readonly Read[])[]> {
      const last = steps.at(-1)?.timestampMs ?? 0
      const all = [...steps, ...settling(last + 2 * minuteMs)]
      const batches = await batchesOf(all)
      for (const { records, timestampMs } of all) {
        for (const [key, payload] of records) sent.push({ offset: sent.length, ts: timestampMs, key, payload })
      }
      const end = sent.length - (all.length - steps.length)
      return Promise.all(
        sides.map(async (side) => {
          const answers = await append(side, topic, batches)
          expect(answers.filter(({ errorCode }) => errorCode !== 0)).toEqual([])
          await side.cleaned(topic, end)
          return (await readAll(side, topic)).filter(({ key }) => key !== settledKey)
        }),
      )
    },
    /** The newest of each key, in order, with tombstones. */
    newest: () =>
      [...new Map(sent.map((one) => [one.key, one])).values()]
        .filter(({ key }) => key !== settledKey)
        .sort((one, other) => one.offset - other.offset),
  }
}

/** A line that tells one record from another, and can be read where a test fails. */
const shown = ({ offset, ts, key, payload }: Read) =>
  `${offset} at ${ts}: ${key} = ${payload === null ? 'none' : `${payload.slice(0, 12)} (${payload.length})`}`

const shapes: Record<string, Shape> = {
  'a few keys, many times over': { batches: 150, keys: 12, recordsMost: 20, valueBytesMost: 60, tombstones: 0.1 },
  'many keys, some of them again': { batches: 150, keys: 3_000, recordsMost: 40, valueBytesMost: 40, tombstones: 0.1 },
  'several segments': { batches: 150, keys: 80, recordsMost: 6, valueBytesMost: 16_000, tombstones: 0.1 },
}

describe('after cleaning both hold the newest record of each key, at the same offset, and nothing else', () => {
  test.each(Object.entries(shapes).map(([name, shape], seed) => ({ name, shape, seed })))('$name', async (one) => {
    const log = await newLog(`newest-${one.seed}`)
    for (let round = 0; round < 3; round++) {
      const fromMs = Date.now() - dayMs + round * 10 * minuteMs
      const [kafka = [], millrace = []] = await log.round(sequence(one.seed * 10 + round, one.shape, fromMs))
      expect(kafka.map(shown)).toEqual(log.newest().map(shown))
      expect(millrace.map(shown)).toEqual(kafka.map(shown))
    }
  })
})
