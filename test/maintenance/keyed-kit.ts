import { append } from '../../src/log/append.ts'
import { readHead, tailRefs } from '../../src/log/head.ts'
import { headKey } from '../../src/log/keys.ts'
import { type Compression, encodeBatch, type StoredRecord } from '../../src/protocol/records/batch.ts'
import { compress } from '../../src/protocol/records/compression.ts'
import { crc32c } from '../../src/protocol/records/crc32c.ts'
import { compressions, layout, viewOf } from '../../src/protocol/records/header.ts'
import type { Core } from '../../src/runtime/core.ts'
import { only } from '../log/core.ts'
import { minuteMs } from './kit.ts'
import { newLogWorld } from './log-kit.ts'

/** A record's key and value; a value of null is a tombstone, a key of null is none. */
export type Keyed = readonly [key: string | null, value: string | null]

/** Rolled within minutes, and compacted as soon as it is. */
export const compacted = {
  'cleanup.policy': 'compact',
  'segment.ms': String(minuteMs),
  'min.cleanable.dirty.ratio': '0',
}

export async function keyedBatch(
  records: readonly Keyed[],
  timestampMs: number,
  compression: Compression = 'none',
): Promise<Uint8Array> {
  const bytesOf = (text: string | null) => (text === null ? null : Buffer.from(text))
  const plain = encodeBatch(
    records.map(([key, value]) => ({ timestampMs, key: bytesOf(key), value: bytesOf(value), headers: [] })),
  )
  if (compression === 'none') return plain
  const packed = await compress(compression, plain.subarray(layout.records))
  const bytes = Buffer.concat([plain.subarray(0, layout.records), packed])
  const view = viewOf(bytes)
  view.setInt32(layout.length, bytes.length - layout.partitionLeaderEpoch)
  view.setInt16(layout.attributes, compressions.indexOf(compression))
  view.setUint32(layout.crc, crc32c(bytes, layout.attributes))
  return bytes
}

/** A world with one compacted topic, and what was appended to it. */
export async function newKeyedWorld(configs: Record<string, string> = {}) {
  const world = await newLogWorld({ ...compacted, ...configs })
  const appended: { key: string | null; value: string | null; offset: number; atMs: number }[] = []
  const headOf = async () => readHead(world.id, (await world.core.items.get(headKey(world.id))) ?? {})
  return {
    ...world,
    appended,
    headOf,
    /** As one batch. */
    async put(records: readonly Keyed[], compression: Compression = 'none', core: Core = world.core): Promise<void> {
      const batch = await keyedBatch(records, core.clock.now(), compression)
      const outcome = only(await world.during(append(core, world.topic, [{ partition: 0, records: batch }])))
      if ('error' in outcome) throw outcome.error
      for (const [at, [key, value]] of records.entries()) {
        appended.push({ key, value, offset: outcome.baseOffset + at, atMs: core.clock.now() })
      }
      await world.pass(5)
    },
    /** Appends until everything before it is in chunks, which can be rolled. */
    async settle(): Promise<void> {
      for (let at = 0; at < 30; at++) await this.put([['settled', 'x'.repeat(80)]])
    },
    /** The newest record of each key, as it was appended. */
    newest: () => new Map(appended.map(({ key, value, offset }) => [key, { value, offset }])),
    /** What the head should count. */
    async bytesHeld(): Promise<number> {
      const { all } = await world.entries()
      const ofTail = tailRefs(await headOf()).reduce((sum, { length }) => sum + length, 0)
      const ofEntries = all.map((entry) =>
        'refs' in entry ? entry.refs.reduce((sum, { length }) => sum + length, 0) : entry.bytes,
      )
      return ofEntries.reduce((sum, one) => sum + one, ofTail)
    },
  }
}

export type KeyedWorld = Awaited<ReturnType<typeof newKeyedWorld>>

export const keyOf = ({ key }: StoredRecord): string | null => (key === null ? null : Buffer.from(key).toString())
export const wordOf = ({ value }: StoredRecord): string | null =>
  value === null ? null : Buffer.from(value).toString()
export const shown = (record: StoredRecord) => `${record.offset} ${keyOf(record)}=${wordOf(record)}`
