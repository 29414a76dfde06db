/**
 * The index of one partition, entry by entry from its oldest: gapless from the log's start to where the tail begins, with running
 * maxima that only grow, each entry true to its own refs or to its segment's object. What lies below the start waits for removal,
 * and a chunk within a segment's interval was brought back by a sleeper: neither is read by anybody.
 */
import { type Entry, isChunk, isSegment, readEntryRow, withoutSleepers } from '../log/entry.ts'
import { type Head, recordsIn } from '../log/head.ts'
import { indexPk } from '../log/keys.ts'
import { packRef, type Ref, sameBytes } from '../log/ref.ts'
import type { Core } from '../runtime/core.ts'
import { type Look, readable } from './look.ts'
import { lookAtRefs, placed } from './refs.ts'
import { lookAtSegment } from './segment.ts'

const rowsAPage = 100

export type IndexLook = {
  /** Of the entries below the tail whose bytes the head counts. */
  bytes: number
  runningStamp: number
  runningTimestampMs: number
  /** Nothing was unreadable or missing, so that sums can be compared. */
  isWhole: boolean
}

type Walk = IndexLook & {
  /** Where the entries looked at so far end; `undefined` before the first that reaches the log's start. */
  reached: number | undefined
}

/** @throws StoreError where the store cannot be read. */
export async function lookAtIndex(core: Core, look: Look, head: Head, tail: readonly Ref[]): Promise<IndexLook> {
  const walk: Walk = { bytes: 0, runningStamp: 0, runningTimestampMs: -1, isWhole: true, reached: undefined }
  // The last entry of a page is looked at with the next: at one base a segment follows its chunk.
  let carried: Entry[] = []
  for (let from = ''; ; ) {
    const rows = await core.items.query({ pk: indexPk(look.id), ...(from ? { from } : {}), limit: rowsAPage })
    const entries: Entry[] = [...carried]
    for (const row of rows) {
      const entry = await readable(look, `index entry ${row.sk}`, async () => readEntryRow(look.id, row))
      if (entry) entries.push(entry)
      else walk.isWhole = false
    }
    const kept = withoutSleepers(entries)
    const isLast = rows.length < rowsAPage
    carried = isLast ? [] : kept.slice(-1)
    for (const entry of isLast ? kept : kept.slice(0, -1)) await lookAtEntry(core, look, head, tail, walk, entry)
    if (isLast) break
    from = `${rows.at(-1)?.sk}\0`
  }
  if (head.start < head.tailStart && (walk.reached ?? head.start) < head.tailStart) {
    walk.isWhole = false
    const from = walk.reached ?? head.start
    look.find('end of the index', `offsets ${from} to ${head.tailStart - 1} are in no entry, below the tail`)
  }
  return walk
}

async function lookAtEntry(
  core: Core,
  look: Look,
  head: Head,
  tail: readonly Ref[],
  walk: Walk,
  entry: Entry,
): Promise<void> {
  const { base, end } = entry
  const name = `the entry at ${base}`
  if (end <= base) return look.find(`end ${base}`, `${name} ends at ${end}`)
  if (base > head.tailStart)
    return look.find(`beyond ${base}`, `${name} lies beyond where the tail begins, ${head.tailStart}`)
  if (base === head.tailStart) return lookAtHalfSpilled(look, tail, entry)
  if (end > head.tailStart)
    look.find(`tail ${base}`, `${name} ends at ${end}, and the tail begins at ${head.tailStart}`)
  // What is waiting to be removed may have lost its bytes already.
  if (end > head.start) {
    lookAtPlace(look, head, walk, entry)
    if (isSegment(entry)) await lookAtSegment(core, look, entry)
    else await lookAtRefs(core, look, placed(entry.refs, base, head.start))
  }
  if (isSegment(entry)) look.looked.segments++
  else lookAtChunk(look, entry)
  lookAtMaxima(look, walk, entry)
  walk.bytes += countedBytes(head, entry)
}

/** Where it stands between its neighbours. */
function lookAtPlace(look: Look, head: Head, walk: Walk, { base, end }: Entry): void {
  const wanted = walk.reached ?? head.start
  if (base > wanted) {
    walk.isWhole = false
    look.find(`hole ${wanted}`, `offsets ${wanted} to ${base - 1} are in no entry`)
  }
  if (walk.reached !== undefined && base < walk.reached) {
    walk.isWhole = false
    look.find(`overlap ${base}`, `the entry at ${base} begins before ${walk.reached}, where the one before it ends`)
  }
  walk.reached = Math.max(end, walk.reached ?? end)
}

/** A chunk that stands while its refs are still in the tail: the spiller is about to drop them, or died. */
function lookAtHalfSpilled(look: Look, tail: readonly Ref[], entry: Entry): void {
  const isTail =
    isChunk(entry) &&
    entry.refs.every((ref, at) => {
      const other = tail[at]
      return other !== undefined && sameBytes(packRef(ref), packRef(other))
    })
  if (!isTail) look.find(`half spilled ${entry.base}`, `the entry at ${entry.base} is not what the tail begins with`)
}

function lookAtChunk(look: Look, entry: Entry & { readonly refs: readonly Ref[] }): void {
  const { base, end, refs, runningStamp, runningTimestampMs } = entry
  look.looked.chunks++
  const records = recordsIn(refs)
  if (base + records !== end) {
    look.find(`count ${base}`, `the entry at ${base} ends at ${end}, and its refs have ${records} records`)
  }
  const stamp = Math.max(0, ...refs.map((ref) => ref.stamp))
  if (stamp > runningStamp) {
    look.find(`stamp ${base}`, `the entry at ${base} has the running stamp ${runningStamp}, and a ref of ${stamp}`)
  }
  const timestampMs = Math.max(-1, ...refs.map((ref) => ref.maxTimestampMs))
  if (timestampMs > runningTimestampMs) {
    const says = `the entry at ${base} has the running timestamp ${runningTimestampMs}, and a ref of ${timestampMs}`
    look.find(`timestamp ${base}`, says)
  }
}

function lookAtMaxima(look: Look, walk: Walk, { base, runningStamp, runningTimestampMs }: Entry): void {
  if (runningStamp < walk.runningStamp) {
    const says = `the entry at ${base} has the running stamp ${runningStamp}, less than ${walk.runningStamp} before it`
    look.find(`running stamp ${base}`, says)
  }
  if (runningTimestampMs < walk.runningTimestampMs) {
    const says = `the entry at ${base} has the running timestamp ${runningTimestampMs}, less than ${walk.runningTimestampMs} before it`
    look.find(`running timestamp ${base}`, says)
  }
  walk.runningStamp = Math.max(walk.runningStamp, runningStamp)
  walk.runningTimestampMs = Math.max(walk.runningTimestampMs, runningTimestampMs)
}

/** What the head counts of the entry: what retention has not taken off. */
function countedBytes({ retired }: Head, entry: Entry): number {
  if (isSegment(entry)) return entry.end > retired ? entry.bytes : 0
  return placed(entry.refs, entry.base, retired).reduce((sum, { ref }) => sum + ref.length, 0)
}
