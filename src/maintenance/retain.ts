/**
 * Retention: what is over by `retention.ms` or too much by `retention.bytes` goes, oldest entries first, and so does what
 * DeleteRecords has put below the log's start (docs/decisions/0016-retention.md). Three steps, in this order: one update of the head
 * moves the start, for every reader at once, and takes the bytes off; whoever is in the middle of reading is given ten minutes; then
 * objects go, and entries last.
 */
import { confirmConfigs } from '../log/alter-topic.ts'
import { type Entry, isSegment, newestMs, newestOfRef } from '../log/entry.ts'
import { type Head, readHead, recordsIn, retire, tailRefs } from '../log/head.ts'
import { entriesCovering } from '../log/index-search.ts'
import { headKey } from '../log/keys.ts'
import { readHeads } from '../log/plan.ts'
import type { Ref } from '../log/ref.ts'
import { type Retention, retentionOf } from '../log/retention.ts'
import { spillWhole } from '../log/spill.ts'
import { findTopic, type Topic } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'
import { settled } from './compaction-state.ts'
import type { PartitionStep, Seen, Slice, StepOutcome } from './partition-step.ts'
import { removeDead } from './remove-dead.ts'
import { graceMs } from './roll.ts'
import { never, type Upkeep } from './upkeep.ts'

const entriesAPage = 500

export const retain: PartitionStep = {
  name: 'retain',
  isDue: (seen, nowMs) =>
    isAhead(seen) || mayRetire(seen, nowMs) || isTailOver(seen, nowMs) || mayRemove(seen.upkeep, nowMs),
  run: retainOnce,
}

/** The head announces configs that may never come: other steps wait for them, too. */
const isAhead = ({ head, topic }: Seen): boolean => head.configVersion !== topic.configVersion

const mayRemove = ({ removed, goneTo, goneMs }: Upkeep, nowMs: number): boolean =>
  goneTo > removed && nowMs >= goneMs + graceMs

/** Whether anything is new, or the time or size has come that the last look told. */
function mayRetire({ head, topic, upkeep }: Seen, nowMs: number): boolean {
  if (head.start !== upkeep.retainStart || head.retired > upkeep.goneTo) return true
  if (head.tailStart <= head.start) return false
  const isNew = topic.configVersion !== upkeep.retainVersion
  return isNew || nowMs >= upkeep.retainMs || head.bytes >= upkeep.retainBytes
}

/** Nothing but the tail is left, and all of it is over, too much, or below the start. */
function isTailOver({ head, topic }: Seen, nowMs: number): boolean {
  if (head.tailStart > head.start || head.packedTail.length === 0) return false
  if (head.start >= head.next) return true
  const { ms, bytes } = retentionOf(topic.overrides)
  if (bytes === 0) return true
  return ms !== undefined && tailRefs(head).every((ref) => newestOfRef(ref) < nowMs - ms)
}

async function retainOnce(core: Core, seen: Slice): Promise<StepOutcome> {
  const known = await underItsConfigs(core, seen)
  if ('upkeep' in known) return known
  const slice = { ...seen, topic: known.topic }
  const { id, figures } = slice
  let upkeep = seen.upkeep.aheadMs > 0 ? { ...seen.upkeep, aheadMs: 0 } : seen.upkeep
  const nowMs = core.clock.now()
  let head = slice.head
  let more = false
  if (mayRetire(slice, nowMs) || isTailOver(slice, nowMs)) {
    const retired = await retireEntries(core, slice)
    // It may have been this one's own change, its answer lost: the steps that follow must not go by what was there before.
    if (!retired) return { upkeep, more: true, head: await headNow(core, slice) }
    ;({ head, more } = retired)
    upkeep = { ...upkeep, ...retired.hints }
  }
  if (mayRemove(upkeep, nowMs)) {
    const removed = await removeDead(core, id, upkeep.goneTo)
    figures.removedEntries += removed.entries
    figures.deletedBlobs += removed.blobs
    if (!removed.more) upkeep = { ...upkeep, removed: upkeep.goneTo }
    more ||= removed.more
  }
  // One at a time: what went later waits until what went before is removed.
  if (head.retired > upkeep.goneTo && upkeep.removed === upkeep.goneTo) {
    upkeep = { ...upkeep, goneTo: head.retired, goneMs: core.clock.now() }
  }
  return { upkeep, more, head }
}

async function headNow(core: Core, { id, head }: Slice): Promise<Head> {
  const [now] = await readHeads(core, [id])
  return now ?? head
}

/** A change of configs takes less; one that died leaves heads that are ahead of the topic. */
const changingMs = 60_000

/**
 * The topic with the configs that the head goes by: records go by those alone, for longer ones may have been acknowledged meanwhile.
 * Where they are being changed, that is waited for.
 */
async function underItsConfigs(core: Core, { topic, head, upkeep }: Slice): Promise<{ topic: Topic } | StepOutcome> {
  if (topic.configVersion === head.configVersion) return { topic }
  const now = await findTopic(core, topic.name)
  if (now?.id !== topic.id) return { upkeep, more: false }
  if (now.configVersion === head.configVersion) return { topic: now }
  const nowMs = core.clock.now()
  if (upkeep.aheadMs === 0) return { upkeep: { ...upkeep, aheadMs: nowMs }, more: false }
  if (nowMs - upkeep.aheadMs < changingMs) return { upkeep, more: false }
  await confirmConfigs(core, topic.name)
  return { upkeep: { ...upkeep, aheadMs: 0 }, more: true }
}

type Hints = Pick<Upkeep, 'retainStart' | 'retainVersion' | 'retainMs' | 'retainBytes'>
type Retired = { readonly head: Head; readonly more: boolean; readonly hints: Hints }

/** Moves the start over one page of entries at most. `undefined`: the head has moved meanwhile, and is to be looked at again. */
async function retireEntries(core: Core, slice: Slice): Promise<Retired | undefined> {
  const { id, topic, lease, figures } = slice
  const nowMs = core.clock.now()
  const exact = await settled(core, id, lease.epoch, slice.head)
  const head = exact && isTailOver(slice, nowMs) ? await spillWhole(core, id, exact) : exact
  // Longer ones may have been acknowledged since.
  if (head?.configVersion !== topic.configVersion) return undefined
  const from = Math.min(head.retired, head.tailStart)
  const entries = from < head.tailStart ? await entriesCovering(core, id, from, entriesAPage) : []
  const chosen = choose(entries, head, retentionOf(topic.overrides), nowMs)
  const hints = {
    retainVersion: topic.configVersion,
    retainStart: Math.max(head.start, chosen.start),
    retainMs: chosen.nextMs,
    retainBytes: chosen.nextBytes,
  }
  const more = chosen.rest === undefined && chosen.to < head.tailStart && entries.length > 0
  if (chosen.to <= head.retired) return { head, more: false, hints }
  const { applied, item } = await core.items.update(headKey(id), retire(head, chosen, lease.epoch))
  if (!applied || !item) return undefined
  figures.retiredBytes += chosen.bytes
  return { head: readHead(id, item), more, hints }
}

type Chosen = {
  /** Where the log is to begin. */
  readonly start: number
  /** Below this all bytes have been taken off then, and these are they. */
  readonly to: number
  readonly bytes: number
  /** The first entry that stays, where one was found. */
  readonly rest: Entry | undefined
  /** When, or at how many bytes in the log, it goes. */
  readonly nextMs: number
  readonly nextBytes: number
}

function choose(entries: readonly Entry[], head: Head, { ms, bytes: limit }: Retention, nowMs: number): Chosen {
  let [start, to, bytes] = [head.start, head.retired, 0]
  for (const entry of entries) {
    const size = sizeFrom(entry, head.retired)
    const isOver = ms !== undefined && newestMs(entry) < nowMs - ms
    const isTooMuch = limit !== undefined && head.bytes - bytes - size >= limit
    if (entry.end > head.start && !isOver && !isTooMuch) {
      const below = sizeBelow(entry, head.retired, head.start)
      const nextMs = ms === undefined ? never : newestMs(entry) + ms
      const nextBytes = limit === undefined ? never : limit + size
      return { start, to: Math.max(to, below.to), bytes: bytes + below.bytes, rest: entry, nextMs, nextBytes }
    }
    bytes += size
    to = entry.end
    start = Math.max(start, entry.end)
  }
  return { start, to, bytes, rest: undefined, nextMs: 0, nextBytes: 0 }
}

/** What an entry still has in the head's count of bytes. A roll has left out what lay below the start. */
const sizeFrom = (entry: Entry, retired: number): number =>
  isSegment(entry) ? entry.bytes : lengthOf(refsOf(entry).filter(({ end }) => end > retired))

/** Of a chunk that the start lies in: the refs below it. */
function sizeBelow(entry: Entry, retired: number, start: number): { readonly to: number; readonly bytes: number } {
  if (isSegment(entry)) return { to: 0, bytes: 0 }
  const below = refsOf(entry).filter(({ end }) => end <= start)
  return { to: below.at(-1)?.end ?? 0, bytes: lengthOf(below.filter(({ end }) => end > retired)) }
}

type Placed = { readonly end: number; readonly ref: Ref }

const refsOf = ({ base, refs }: Exclude<Entry, { readonly object: unknown }>): Placed[] =>
  refs.map((ref, at) => ({ ref, end: base + recordsIn(refs.slice(0, at + 1)) }))

const lengthOf = (refs: readonly Placed[]): number => refs.reduce((sum, { ref }) => sum + ref.length, 0)
