/** One segment as compaction leaves it: each batch with the records that stay, at their offsets (Kafka's Cleaner, KIP-534). */
import type { PartitionId } from '../log/keys.ts'
import { piecesOfSegment } from '../log/plan.ts'
import { objectKeyOf, type Segment } from '../log/segment.ts'
import { KafkaError } from '../protocol/errors.ts'
import { readBatchHeader } from '../protocol/records/batch.ts'
import { type OpenBatch, openBatch, rewriteBatch, type Skimmed, skimRecords } from '../protocol/records/rewrite.ts'
import type { Core } from '../runtime/core.ts'
import type { KeyMap } from './key-map.ts'

const readBytes = 8 * 1024 * 1024
/** For ever: the differences of times to it are still whole numbers. */
const horizonMsMost = 2 ** 52

/** Another run has replaced the segment, and its object has gone. */
export class SegmentGone extends Error {
  readonly segment: Segment
  constructor(segment: Segment) {
    super(`the segment at ${segment.base} is gone`)
    this.segment = segment
  }
}

/** Nobody can tell which records of it stay: they all do, and so does what lies behind it. */
export class UnreadableBatch extends Error {
  constructor(key: string, offset: number, cause: KafkaError) {
    super(`the batch at offset ${offset} in ${key} cannot be read: ${cause.message}`, { cause })
  }
}

/** Says which batch it was, where one cannot be read; `work` tells of each that it comes to. */
async function namingBatches<T>(id: PartitionId, segment: Segment, work: (at: (offset: number) => void) => Promise<T>) {
  let offset = segment.base
  try {
    return await work((one) => {
      offset = one
    })
  } catch (error) {
    throw error instanceof KafkaError ? new UnreadableBatch(objectKeyOf(id, segment), offset, error) : error
  }
}

/** What a pass cleans by. */
export type Rules = {
  readonly map: KeyMap
  /** Batches that end below had been cleaned when the pass began. */
  readonly cleaned: number
  /** Records from here on are not in the map, and stay. */
  readonly to: number
  readonly nowMs: number
  /** How long a tombstone stays from when everything before it is clean. */
  readonly tombstoneMs: number
}

export type CleanedSegment = {
  readonly source: Segment
  /** Views of what was read, or new: together they hold little more than their own bytes. */
  readonly batches: readonly Uint8Array[]
  readonly bytes: number
  /** The last batch where none of its records stays: whoever reads up to it learns by it how far the log goes. */
  readonly end: Uint8Array | undefined
  /** Whether anything is other than in the source, with `end` at its end. */
  readonly isChanged: boolean
  /** When the last of its marked tombstones may go, 0 where it has none. */
  readonly horizonMs: number
}

/** Whole batches, some MiB at a time, from the one on that holds `from`, or from one before. @throws SegmentGone, StoreError */
export async function* blocksOf(
  core: Core,
  id: PartitionId,
  segment: Segment,
  from: number,
): AsyncGenerator<Uint8Array> {
  const key = objectKeyOf(id, segment)
  const parts = piecesOfSegment(id, segment).filter(({ end }) => end > from)
  for (let at = 0; at < parts.length; ) {
    const start = parts[at]?.part.from ?? 0
    let end = start
    do end = parts[at++]?.part.to ?? end
    while ((parts[at]?.part.to ?? Number.POSITIVE_INFINITY) - start <= readBytes)
    const bytes = await core.objects.get(key, { start, end })
    if (bytes?.length !== end - start) throw new SegmentGone(segment)
    yield bytes
  }
}

/**
 * Enters the records from `from` to `to` into the map. The offset of the first that found no room, `undefined` where all did.
 * @throws SegmentGone, UnreadableBatch, StoreError
 */
export const mapSegment = (
  core: Core,
  id: PartitionId,
  segment: Segment,
  map: KeyMap,
  from: number,
  to: number,
): Promise<number | undefined> =>
  namingBatches(id, segment, async (cameTo) => {
    for await (const block of blocksOf(core, id, segment, from)) {
      for (let at = 0; at < block.length; ) {
        const header = readBatchHeader(block, at)
        cameTo(header.baseOffset)
        const bytes = block.subarray(at, at + header.totalBytes)
        at += header.totalBytes
        const isWanted = header.baseOffset + header.lastOffsetDelta >= from && header.recordCount > 0
        if (header.baseOffset >= to) return undefined
        const full = isWanted && !header.isControl ? mapBatch(await openBatch(bytes), map, from, to) : undefined
        if (full !== undefined) return full
        cameTo(header.baseOffset + header.lastOffsetDelta + 1)
      }
    }
    return undefined
  })

function mapBatch(batch: OpenBatch, map: KeyMap, from: number, to: number): number | undefined {
  let full: number | undefined
  skimRecords(batch, ({ offset, keyFrom, keyTo }) => {
    if (offset < from || offset >= to || keyFrom < 0) return true
    if (map.put(batch.block, keyFrom, keyTo, offset)) return true
    full = offset
    return false
  })
  return full
}

/** @throws SegmentGone, UnreadableBatch, StoreError */
export const cleanSegment = (core: Core, id: PartitionId, source: Segment, rules: Rules): Promise<CleanedSegment> =>
  namingBatches(id, source, async (cameTo) => {
    const batches: Uint8Array[] = []
    let end: Uint8Array | undefined
    let [bytes, horizonMs, isChanged] = [0, 0, false]
    for await (const block of blocksOf(core, id, source, source.base)) {
      const kept: Uint8Array[] = []
      let keptBytes = 0
      for (let at = 0; at < block.length; ) {
        const { totalBytes, baseOffset, lastOffsetDelta } = readBatchHeader(block, at)
        cameTo(baseOffset)
        const before = block.subarray(at, at + totalBytes)
        at += totalBytes
        const after = await cleanBatch(before, rules)
        cameTo(baseOffset + lastOffsetDelta + 1)
        // One that ended the log until now, and does no more.
        isChanged ||= end !== undefined || after !== before
        const { recordCount, deleteHorizonMs = 0 } = readBatchHeader(after)
        end = recordCount === 0 ? after.slice() : undefined
        if (end) continue
        kept.push(after)
        keptBytes += after.length
        horizonMs = Math.max(horizonMs, deleteHorizonMs)
      }
      for (const one of keptBytes < block.length / 2 ? copiesOf(kept) : kept) batches.push(one)
      bytes += keptBytes
    }
    return { source, batches, bytes, end, isChanged, horizonMs }
  })

/** A view of a few bytes would hold all the MiB that were read with them. */
function copiesOf(views: readonly Uint8Array[]): Uint8Array[] {
  const whole = Buffer.concat(views)
  let at = 0
  return views.map(({ length }) => {
    at += length
    return whole.subarray(at - length, at)
  })
}

/** The very bytes where nothing changes. */
async function cleanBatch(bytes: Uint8Array, rules: Rules): Promise<Uint8Array> {
  const { baseOffset, lastOffsetDelta, isControl, recordCount, deleteHorizonMs } = readBatchHeader(bytes)
  const last = baseOffset + lastOffsetDelta
  if (baseOffset >= rules.to || isControl || recordCount === 0) return bytes
  const wasClean = last < rules.cleaned
  const isOver = wasClean && deleteHorizonMs !== undefined && rules.nowMs >= deleteHorizonMs
  const batch = await openBatch(bytes)
  const stays = (record: Readonly<Skimmed>): boolean => {
    if (record.offset >= rules.to) return true
    if (record.keyFrom < 0) return false
    if (rules.map.newest(batch.block, record.keyFrom, record.keyTo) > record.offset) return false
    return !(record.isTombstone && isOver)
  }
  const kept: boolean[] = []
  let [tombstones, gone] = [0, 0]
  skimRecords(batch, (record) => {
    const isKept = stays(record)
    kept.push(isKept)
    if (!isKept) gone++
    else if (record.isTombstone) tombstones++
    return true
  })
  // Only now everything before it is clean; one that a producer put there means nothing.
  const isMarked = wasClean && deleteHorizonMs !== undefined
  const isDue = tombstones > 0 && last < rules.to && !isMarked
  if (gone === 0 && !isDue) return bytes
  let at = 0
  const horizonMs = Math.min(Math.ceil(rules.nowMs + rules.tombstoneMs), horizonMsMost)
  return rewriteBatch(batch, () => kept[at++] ?? true, isDue ? horizonMs : deleteHorizonMs)
}
