/**
 * Rolling: chunks of refs, whose bytes lie in many blobs, become segments of one object each (docs/decisions/0015-segments.md).
 * Whole chunks, in order, from the first that is not rolled yet on; as many as one transaction swaps, or as memory holds.
 */
import { blobIdMs } from '../log/blob-id.ts'
import { type Chunk, entryKey } from '../log/chunk.ts'
import { isSegment, readEntryRow, withoutSleepers } from '../log/entry.ts'
import { entriesCovering } from '../log/index-search.ts'
import { indexFrom, indexPk, type PartitionId, segmentKey } from '../log/keys.ts'
import { retentionOf } from '../log/retention.ts'
import { createSegment, type Segment } from '../log/segment.ts'
import { stampAt, stampDistanceMs } from '../log/stamp.ts'
import { configValue, type TopicConfigs } from '../log/topic-configs.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { type Action, equals } from '../store/items.ts'
import { isShared } from './gather.ts'
import { makeSegment } from './make-segment.ts'
import type { PartitionStep, Slice, StepOutcome } from './partition-step.ts'
import { swap } from './swap.ts'
import { never } from './upkeep.ts'

/** A transaction has 100 actions: one looks at the lease, one makes the segment. */
export const chunksAStep = 96
/** Enough for a segment of its own, however few chunks bring it: it is read in some GETs instead of hundreds. */
const enoughBytes = 16 * 1024 * 1024
/** What one step holds in memory at most, but for a ref that alone has more. */
const stepBytesMost = 32 * 1024 * 1024
const sharedStepBytesLeast = 1024 * 1024
/** Of a chunk that has more than a step may hold: it has hardly as many refs. */
const segmentsAStep = 96
/** An append that has lost its answer looks for itself in chunks: by then it has found out. */
export const youngMs = 60_000
const rowsAPage = 100

/** How long what was rolled away is left for those who are reading it. */
export const graceMs = 10 * 60_000

export const roll: PartitionStep = {
  name: 'roll',
  isDue: ({ head, upkeep }, nowMs) =>
    head.tailStart > Math.max(upkeep.rolled, head.start) &&
    (head.tailStart !== upkeep.settled || nowMs >= upkeep.rollMs),
  run: rollOnce,
}

/** One step: one segment, or those that one large chunk becomes. */
async function rollOnce(core: Core, slice: Slice): Promise<StepOutcome> {
  const { id, head, topic, upkeep, figures } = slice
  const nowMs = core.clock.now()
  const { from, chunks } = await unrolled(core, slice)
  const looked = { ...upkeep, rolled: from, settled: head.tailStart, settledMs: nowMs }
  const mostBytes = Math.min(
    stepBytes(id, chunks, slice.partitions),
    Number(configValue(topic.overrides, 'segment.bytes')),
  )
  const dueMs = whenDue(topic.overrides, chunks, mostBytes)
  if (dueMs > nowMs) return { upkeep: { ...looked, rollMs: dueMs }, more: false }
  const chosen = firstChunks(chunks.slice(0, oldOnes(core, slice, chunks)), mostBytes)
  const [only] = chosen
  if (!only) return { upkeep: { ...looked, rollMs: nowMs + youngMs }, more: false }

  const segments = await makeSegments(core, slice, chosen)
  if (!segments && !chosen.some(forgetsItself) && (await stillThere(core, id, chosen))) {
    const gone = `a blob of ${topic.name}-${id.partition} is gone that an entry from ${only.base} on names`
    throw new StoreError('misconfigured', gone)
  }
  if (!segments || !(await swapChunks(core, slice, chosen, segments))) {
    figures.lostRaces++
    return { upkeep: { ...looked, rollMs: nowMs }, more: false }
  }
  figures.segments += segments.length
  figures.rolledChunks += chosen.length
  figures.rolledBytes += segments.reduce((sum, { bytes }) => sum + bytes, 0)
  const cleanMs = Math.min(upkeep.cleanMs, nowMs + graceMs)
  const rolled = chosen.at(-1)?.end ?? from
  return { upkeep: { ...looked, rolled, rollMs: nowMs, cleanMs }, more: chosen.length < chunks.length }
}

/** Stores them one after the other, so that one is held at a time. `undefined`: a blob is gone. */
async function makeSegments(core: Core, { id, head, topic, lease, shared }: Slice, chosen: readonly Chunk[]) {
  const mostBytes = Math.min(stepBytesMost, Number(configValue(topic.overrides, 'segment.bytes')))
  const segments: Segment[] = []
  for (const part of partsOf(chosen, mostBytes, head.retired)) {
    const segment = await makeSegment(core, id, head, part, lease.epoch, shared)
    if (!segment) return undefined
    segments.push(segment)
  }
  return segments
}

/** What becomes a segment each: all of it together, but for a chunk that alone has more than one may. */
function partsOf(chosen: readonly Chunk[], mostBytes: number, retired: number): readonly (readonly Chunk[])[] {
  const [only] = chosen
  if (chosen.length > 1 || !only || bytesOf(chosen) <= mostBytes) return [chosen]
  const parts: Chunk[] = []
  let [end, bytes] = [only.base, 0]
  for (const ref of only.refs) {
    const base = end
    end += ref.count
    // What is not copied goes with what follows it: the first segment stands where the chunk stood.
    const length = end > retired ? ref.length : 0
    const last = parts.at(-1)
    const isFull = bytes > 0 && bytes + length > mostBytes && parts.length < segmentsAStep
    if (last && !isFull) parts[parts.length - 1] = { ...last, end, refs: [...last.refs, ref] }
    else parts.push({ ...only, base, end, refs: [ref] })
    bytes = isFull ? length : bytes + length
  }
  return parts.map((part) => [part])
}

/** A blob that went by itself before the log's start had passed it: retention will, or a reader. */
const forgetsItself = ({ refs }: Chunk): boolean => refs.some(({ ttlVersion }) => ttlVersion !== undefined)

async function swapChunks(core: Core, { id, lease }: Slice, chunks: readonly Chunk[], segments: readonly Segment[]) {
  const [first] = segments
  if (!first) return false
  return swap(core, id, lease, first, [
    ...segments.map((segment): Action => ({ update: segmentKey(id, segment.base), ...createSegment(segment) })),
    ...chunks.map((chunk): Action => ({ delete: entryKey(id, chunk), if: equals('e', chunk.end) })),
  ])
}

/** Whoever slept while another rolled these, and cleaned up, finds nothing. */
async function stillThere(core: Core, id: PartitionId, chunks: readonly Chunk[]): Promise<boolean> {
  const found = await core.items.batchGet(chunks.map((chunk) => entryKey(id, chunk)))
  return found.every((item) => item !== undefined)
}

/**
 * The chunks that come next, in order, gapless, all of them below the tail; `from`: before them nothing is left to roll. The hint
 * may be old: segments behind it are passed by.
 */
async function unrolled(
  core: Core,
  slice: Slice,
): Promise<{ readonly from: number; readonly chunks: readonly Chunk[] }> {
  const { id, head } = slice
  let from = await firstKept(core, slice)
  for (;;) {
    const rows = await core.items.query({ pk: indexPk(id), from: indexFrom(from), limit: rowsAPage })
    const chunks: Chunk[] = []
    for (const entry of withoutSleepers(rows.map((row) => readEntryRow(id, row)))) {
      const next = chunks.at(-1)?.end ?? from
      if (entry.base < next) continue
      if (entry.base > next || entry.end > head.tailStart) break
      if (!isSegment(entry)) chunks.push(entry)
      // Behind chunks: another run rolled meanwhile.
      else if (chunks.length > 0) break
      else from = entry.end
    }
    if (chunks.length > 0 || rows.length < rowsAPage || from >= head.tailStart) return { from, chunks }
  }
}

/** How many chunks that sleepers brought back may stand between the last segment and where it ends. */
const sleepersMost = 16

/**
 * Where the first entry begins that is not rolled, and that the log's start leaves anything of. The hint alone does not say: a chunk
 * that stands there may lie within a segment that has become longer.
 */
async function firstKept(core: Core, { id, head, upkeep }: Slice): Promise<number> {
  const at = Math.max(head.start, upkeep.rolled - 1)
  const [entry] = await entriesCovering(core, id, at, 0, sleepersMost)
  if (!entry) return Math.max(head.start, upkeep.rolled)
  const isPassed = isSegment(entry) || entry.end === upkeep.rolled
  return isPassed ? entry.end : entry.base
}

/** Old by their stamps, or by having been there a minute ago: stamps may come from a clock that runs years ahead. */
function oldOnes(core: Core, { topic, upkeep }: Slice, chunks: readonly Chunk[]): number {
  const nowMs = core.clock.now()
  const now = stampAt(topic.era, nowMs)
  const seenBefore = nowMs - upkeep.settledMs >= youngMs ? upkeep.settled : 0
  const isOld = ({ runningStamp, end }: Chunk) => stampDistanceMs(runningStamp, now) >= youngMs || end <= seenBefore
  const young = chunks.findIndex((chunk) => !isOld(chunk))
  return young < 0 ? chunks.length : young
}

const bytesOf = (chunks: readonly Chunk[]): number =>
  chunks.reduce((sum, { refs }) => refs.reduce((of, { length }) => of + length, sum), 0)

/** Where partitions share blobs, each takes so little that the blobs of all their steps together are kept. */
function stepBytes(id: PartitionId, chunks: readonly Chunk[], partitions: number): number {
  const share = chunks.some(({ refs }) => refs.some((ref) => isShared(id, ref)))
  return share ? Math.max(sharedStepBytesLeast, stepBytesMost / partitions) : stepBytesMost
}

/** As many as fit into one step and one segment, at least one. */
function firstChunks(chunks: readonly Chunk[], mostBytes: number): readonly Chunk[] {
  let bytes = 0
  const tooMany = chunks.findIndex((chunk, at) => {
    bytes += bytesOf([chunk])
    return at === chunksAStep || (at > 0 && bytes > mostBytes)
  })
  return tooMany < 0 ? chunks : chunks.slice(0, tooMany)
}

/** When they are to be rolled: at once where they are worth a segment, else when the oldest has reached its age. */
function whenDue(configs: TopicConfigs, chunks: readonly Chunk[], mostBytes: number): number {
  const [first] = chunks[0]?.refs ?? []
  if (!first) return never
  const enough = Math.min(enoughBytes, mostBytes)
  if (chunks.length >= chunksAStep || bytesOf(chunks) >= enough) return 0
  return blobIdMs(first.id) + ageMsMost(configs)
}

/** What is to be compacted in time must be rolled by then, as in Kafka. */
function ageMsMost(configs: TopicConfigs): number {
  const ageMs = Number(configValue(configs, 'segment.ms'))
  const { compacts } = retentionOf(configs)
  return compacts ? Math.min(ageMs, Number(configValue(configs, 'max.compaction.lag.ms'))) : ageMs
}
