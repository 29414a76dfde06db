/** Looking for records that an idempotent producer has sent before: newest first, in the tail and then in the newest entries. */
import { batchesIn } from '../protocol/records/batch.ts'
import type { Core } from '../runtime/core.ts'
import { isSegment, readEntryRow } from './entry.ts'
import { type Head, recordsIn, tailRefs } from './head.ts'
import { indexPk, indexUpTo, type PartitionId } from './keys.ts'
import { readPieces } from './pieces.ts'
import { piecesOfSegment } from './plan.ts'
import type { ProducerRun } from './producer-state.ts'
import type { Ref } from './ref.ts'
import type { Segment } from './segment.ts'

/** Page by page: most repetitions come at once, and whoever shares a busy partition with hundreds may be far behind. */
const pages = [8, 64, 512] as const
/** Of the newest segment its end is looked through as well: a producer that sends little meets its last batches there. */
const segmentBytesSought = 1024 * 1024

export type FoundRun = { readonly baseOffset: number; readonly found: Pick<Ref, 'maxTimestampMs'> }

/** `undefined`: it lies further back than is looked. */
export async function findRun(
  core: Core,
  id: PartitionId,
  head: Head,
  run: ProducerRun,
  count: number,
): Promise<FoundRun | undefined> {
  const inTail = among(tailRefs(head), head.tailStart, run, count)
  if (inTail) return inTail
  let upTo = head.tailStart - 1
  for (const limit of pages) {
    if (upTo < 0) return undefined
    const rows = await core.items.query({ pk: indexPk(id), to: indexUpTo(upTo), reverse: true, limit })
    for (const row of rows) {
      const entry = readEntryRow(id, row)
      if (isSegment(entry)) return inSegment(core, id, entry, run, count)
      const found = among(entry.refs, entry.base, run, count)
      if (found) return found
      upTo = entry.base - 1
    }
    if (rows.length < limit) return undefined
  }
  return undefined
}

/** What was one ref are batches one after the other now; each says which of its producer's records it begins with. */
async function inSegment(
  core: Core,
  id: PartitionId,
  segment: Segment,
  run: ProducerRun,
  count: number,
): Promise<FoundRun | undefined> {
  const pieces = piecesOfSegment(id, segment)
  const from = (pieces.at(-1)?.part.to ?? 0) - segmentBytesSought
  const read = await readPieces(
    core,
    pieces.filter(({ part }) => part.to > from),
    1,
  )
  const batches = read.flatMap((part) => (part ? batchesIn(part) : []))
  const at = batches.findLastIndex((one) => isSame(runOf(one), run))
  let records = 0
  let maxTimestampMs = -1
  for (const batch of batches.slice(Math.max(0, at))) {
    if (at < 0 || records >= count) break
    records += batch.recordCount
    maxTimestampMs = Math.max(maxTimestampMs, batch.maxTimestampMs)
  }
  const baseOffset = batches[at]?.baseOffset
  return records === count && baseOffset !== undefined ? { baseOffset, found: { maxTimestampMs } } : undefined
}

const runOf = (batch: { producerId: number; producerEpoch: number; baseSequence: number }): ProducerRun => ({
  id: batch.producerId,
  epoch: batch.producerEpoch,
  firstSequence: batch.baseSequence,
})

/** The last one of those that match: sequences come round again. */
function among(refs: readonly Ref[], base: number, run: ProducerRun, count: number): FoundRun | undefined {
  const at = refs.findLastIndex(({ producer, count: has }) => producer && has === count && isSame(producer, run))
  const found = refs[at]
  return found && { baseOffset: base + recordsIn(refs.slice(0, at)), found }
}

const isSame = (a: ProducerRun, b: ProducerRun): boolean =>
  a.id === b.id && a.epoch === b.epoch && a.firstSequence === b.firstSequence
