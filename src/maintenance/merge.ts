/**
 * Merging: small segments that follow one another become one, so that neither the index of a slow log nor a reader of its history
 * has to go by hundreds. In tiers: eight of about one size make one of the next, and each byte is written anew three times at most.
 */
import { newBlobId } from '../log/blob-id.ts'
import { isSegment, readEntryRow, withoutSleepers } from '../log/entry.ts'
import { indexPk, indexUpTo, type PartitionId, segmentKey } from '../log/keys.ts'
import { recordBatches } from '../log/place-batches.ts'
import { untilDeadline } from '../log/retry.ts'
import { objectKeyOf, type Segment, segmentHeaderBytes, segmentPatches } from '../log/segment.ts'
import { readFooter, type Source, segmentFooter, segmentHeader } from '../log/segment-object.ts'
import { spanWriter } from '../log/spans.ts'
import { configValue } from '../log/topic-configs.ts'
import type { Core } from '../runtime/core.ts'
import { type Action, equals, remove } from '../store/items.ts'
import type { PartitionStep, Slice, StepOutcome } from './partition-step.ts'
import { graceMs } from './roll.ts'
import { swap } from './swap.ts'

/** So many of one tier make one of the next. */
export const segmentsAMerge = 8
/** What lies in memory at once; a segment of a quarter of it is large enough. */
const mergedBytesMost = 32 * 1024 * 1024
/** Segments up to these sizes are of one tier; the last one is of those up to a quarter of what a segment may have. */
const tiersBytes = [512 * 1024, 4 * 1024 * 1024] as const
const rowsSought = 48
const patienceMs = 60_000

export const merge: PartitionStep = {
  name: 'merge',
  isDue: ({ upkeep }) => upkeep.rolled > upkeep.merged,
  run: mergeOnce,
}

/** One merge at most, of the newest segments. */
async function mergeOnce(core: Core, slice: Slice): Promise<StepOutcome> {
  const { id, upkeep, lease, figures } = slice
  const segmentBytes = Number(configValue(slice.topic.overrides, 'segment.bytes'))
  const chosen = choose(await newestSegments(core, slice), Math.min(mergedBytesMost, segmentBytes))
  const [first, ...others] = chosen
  if (!first) return { upkeep: { ...upkeep, merged: upkeep.rolled }, more: false }
  const merged = await mergedOf(core, id, chosen, lease.epoch)
  if (!merged) return { upkeep, more: false }
  const swapped = await swap(core, id, lease, merged, [
    {
      update: segmentKey(id, first.base),
      patches: [...segmentPatches(merged), remove('f')],
      if: equals('o', first.object),
    },
    ...others.map((one): Action => ({ delete: segmentKey(id, one.base), if: equals('o', one.object) })),
  ])
  if (!swapped) {
    figures.lostRaces++
    return { upkeep, more: false }
  }
  figures.mergedSegments += chosen.length
  const cleanMs = Math.min(upkeep.cleanMs, core.clock.now() + graceMs)
  // One more look: what is merged may be the eighth of the next tier.
  return { upkeep: { ...upkeep, cleaned: Math.min(upkeep.cleaned, merged.base), cleanMs }, more: true }
}

/** In order, gapless, up to where chunks begin. */
async function newestSegments(core: Core, { id, head, upkeep }: Slice): Promise<Segment[]> {
  const to = indexUpTo(upkeep.rolled - 1)
  const rows = await core.items.query({ pk: indexPk(id), to, reverse: true, limit: rowsSought })
  const entries = withoutSleepers(rows.toReversed().map((row) => readEntryRow(id, row)))
  const newest: Segment[] = []
  for (const entry of entries.reverse()) {
    const next = newest[0]
    if (!isSegment(entry) || entry.end <= head.start || (next && entry.end !== next.base)) break
    newest.unshift(entry)
  }
  return newest
}

/** Those at the end that are of one tier or smaller, where they are enough. */
function choose(segments: readonly Segment[], mostBytes: number): readonly Segment[] {
  const largest = mostBytes / 4
  for (const tierBytes of [...tiersBytes.filter((tier) => tier < largest), largest]) {
    const larger = segments.findLastIndex(({ bytes }) => bytes > tierBytes)
    const small = segments.slice(larger + 1)
    let bytes = 0
    const tooMany = small.findIndex((one) => {
      bytes += one.bytes
      return bytes > mostBytes
    })
    const chosen = tooMany < 0 ? small : small.slice(0, tooMany)
    if (chosen.length >= segmentsAMerge || (tooMany > 1 && tierBytes === largest)) return chosen
  }
  return []
}

/** Stores the object; `undefined`: one of the segments is gone, another run was here. */
async function mergedOf(
  core: Core,
  id: PartitionId,
  segments: readonly Segment[],
  epoch: number,
): Promise<Segment | undefined> {
  const [first, last] = [segments[0], segments.at(-1)]
  if (!first || !last) return undefined
  const bytes = segments.reduce((sum, one) => sum + one.bytes, 0)
  const object = new Uint8Array(segmentHeaderBytes + bytes)
  object.set(segmentHeader())
  const sources: Source[] = []
  let at = segmentHeaderBytes
  for (const segment of segments) {
    const range = { start: segmentHeaderBytes, end: segmentHeaderBytes + segment.bytes }
    const [data, footer] = await Promise.all([
      core.objects.get(objectKeyOf(id, segment), range),
      segment.cleaned ? undefined : readFooter(core, id, segment),
    ])
    if (data?.length !== segment.bytes || (!segment.cleaned && !footer)) return undefined
    object.set(data, at)
    at += data.length
    sources.push(...(footer?.sources ?? []), { kind: 'segment', id: segment.object, base: segment.base })
  }
  const spans = spanWriter(first.base, bytes)
  recordBatches(object.subarray(segmentHeaderBytes), spans)
  const footer = segmentFooter({ base: first.base, end: last.end, sources })
  const merged: Segment = {
    ...last,
    base: first.base,
    maxTimestampMs: Math.max(...segments.map((one) => one.maxTimestampMs)),
    bytes,
    object: newBlobId(core.clock.now(), core.random),
    objectBytes: object.length + footer.length,
    packedSpans: spans.done(last.end),
    epoch,
    cleaned: false,
  }
  const deadlineMs = core.clock.uptime() + patienceMs
  await untilDeadline(core, deadlineMs, () => core.objects.put(objectKeyOf(id, merged), [object, footer]))
  return merged
}
