/** Seeded sequences of keyed records and tombstones, in batches. */
import { seeded } from '../../../sim/random.ts'
import type { Compression } from '../../../src/protocol/records/batch.ts'
import { type Keyed, keyedBatch } from '../../maintenance/keyed-kit.ts'

export type Shape = {
  readonly batches: number
  readonly keys: number
  /** In a batch. */
  readonly recordsMost: number
  readonly valueBytesMost: number
  /** The share of records that are one. */
  readonly tombstones: number
}

export type Step = { readonly records: readonly Keyed[]; readonly codec: Compression; readonly timestampMs: number }

const codecs: readonly [Compression, ...Compression[]] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** All of its timestamps lie within a second from `fromMs` on. */
export function sequence(seed: number, shape: Shape, fromMs: number): readonly Step[] {
  const chance = seeded(seed)
  const value = () => {
    const length = 1 + chance.below(shape.valueBytesMost)
    // Half of it does not compress.
    return Buffer.from(chance.bytes(Math.ceil(length / 4)))
      .toString('hex')
      .padEnd(length, '.')
  }
  return Array.from({ length: shape.batches }, (_, at) => ({
    records: Array.from(
      { length: 1 + chance.below(shape.recordsMost) },
      (): Keyed => [`key ${chance.below(shape.keys)}`, chance.happens(shape.tombstones) ? null : value()],
    ),
    codec: chance.pick(codecs),
    timestampMs: fromMs + (at % 1_000),
  }))
}

export const settledKey = 'settled'

/**
 * What comes after a sequence, for it to be compacted: so much later that Kafka rolls its segment (`segment.ms`), and so many batches that Millrace
 * names what was before them in chunks.
 */
export const settling = (atMs: number): readonly Step[] =>
  Array.from({ length: 30 }, () => ({ records: [[settledKey, 'x'.repeat(80)]], codec: 'none', timestampMs: atMs }))

export const batchesOf = (steps: readonly Step[]): Promise<readonly Uint8Array[]> =>
  Promise.all(steps.map(({ records, codec, timestampMs }) => keyedBatch(records, timestampMs, codec)))
