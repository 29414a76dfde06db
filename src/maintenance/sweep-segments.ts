/**
 * Segment objects that no entry of their partition names go: a roller died before its swap, or another was faster. What makes it
 * true is the lease: it was taken anew for this turn, so that no swap under an earlier epoch is made any more, however late its
 * roller wakes up; and this step comes before any of the same turn that stores segments.
 */
import { blobIdText, blobIdTextMs } from '../log/blob-id.ts'
import { isSegment, readEntryRow } from '../log/entry.ts'
import { indexFrom, indexPk, indexUpTo, lastPart, type PartitionId, segmentObjectsPrefix } from '../log/keys.ts'
import type { Segment } from '../log/segment.ts'
import type { Core } from '../runtime/core.ts'
import type { StoredObject } from '../store/objects.ts'
import type { PartitionStep, Slice, StepOutcome } from './partition-step.ts'
import { sweepAgeMs } from './sweep.ts'

const dayMs = 24 * 60 * 60_000
const objectsAPage = 1_000
const rowsAPage = 200
const offsetDigits = 16

/** Once a day where anything was rolled since, else once a week: a merge or a compaction may have died. */
export const sweepSegments: PartitionStep = {
  name: 'sweep',
  isDue({ upkeep: { rolled, sweptMs, sweptRolled, sweptTo } }, nowMs) {
    if (rolled === 0) return false
    return sweptTo > 0 || nowMs - sweptMs >= (rolled === sweptRolled ? 7 * dayMs : dayMs)
  },
  run: sweepPage,
}

async function sweepPage(core: Core, slice: Slice): Promise<StepOutcome> {
  const { id, upkeep, figures } = slice
  const prefix = segmentObjectsPrefix(id)
  const after = upkeep.sweptTo > 0 ? { after: `${prefix}${indexUpTo(upkeep.sweptTo - 1)}` } : {}
  const page = await core.objects.list(prefix, { ...after, limit: objectsAPage })
  const orphans = await orphansOf(core, id, page)
  await core.objects.delete(orphans.map(({ key }) => key))
  figures.sweptSegments += orphans.length
  figures.sweptBytes += orphans.reduce((sum, { size }) => sum + size, 0)
  const last = page.at(-1)
  const isLast = page.length < objectsAPage || !last
  // The last base of a full page is listed again: others may share it.
  if (!isLast) return { upkeep: { ...upkeep, sweptTo: Math.max(upkeep.sweptTo + 1, baseOf(last)) }, more: true }
  const swept = { sweptMs: core.clock.now(), sweptRolled: upkeep.rolled, sweptTo: 0 }
  return { upkeep: { ...upkeep, ...swept }, more: false }
}

const baseOf = ({ key }: StoredObject): number => Number.parseInt(lastPart(key).slice(0, offsetDigits), 10)
const nameOf = ({ key }: StoredObject): string => lastPart(key).slice(offsetDigits + 1)

/** The old ones that are named nowhere: not as a segment, and not as what a segment was made of that is not cleaned up after yet. */
async function orphansOf(core: Core, id: PartitionId, page: readonly StoredObject[]): Promise<readonly StoredObject[]> {
  const oldMs = core.clock.now() - sweepAgeMs
  const old = page.filter((one) => blobIdTextMs(nameOf(one)) < oldMs && one.modifiedMs < oldMs)
  const [first, last] = [old[0], old.at(-1)]
  if (!first || !last) return []
  const segments = await segmentsBetween(core, id, baseOf(first), baseOf(last))
  const named = new Set(segments.map(({ base, object }) => `${base} ${blobIdText(object)}`))
  const unclean = segments.filter(({ cleaned }) => !cleaned)
  return old.filter((one) => {
    const base = baseOf(one)
    if (named.has(`${base} ${nameOf(one)}`)) return false
    return !unclean.some((segment) => segment.base <= base && base < segment.end)
  })
}

/** Those that begin between the two, and the one that covers the first. */
async function segmentsBetween(core: Core, id: PartitionId, first: number, last: number): Promise<Segment[]> {
  const pk = indexPk(id)
  const segments: Segment[] = []
  const before = await core.items.query({ pk, to: indexFrom(first), reverse: true, limit: rowsAPage })
  const covering = before.map((row) => readEntryRow(id, row)).find(isSegment)
  if (covering) segments.push(covering)
  for (let from = indexFrom(first); ; ) {
    const rows = await core.items.query({ pk, from, to: indexUpTo(last), limit: rowsAPage })
    segments.push(...rows.map((row) => readEntryRow(id, row)).filter(isSegment))
    if (rows.length < rowsAPage) return segments
    from = `${rows.at(-1)?.sk}\0`
  }
}
