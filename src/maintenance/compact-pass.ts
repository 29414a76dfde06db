/**
 * One pass of compaction over a partition, or a slice of one: the newest offset of every key that the records from `cleaned` to
 * `to` have, and then every segment from the log's start to there without the records that are older. In order, so that a tombstone
 * is marked only when nothing before it speaks of its key any more. Small neighbours become one segment on the way.
 */
import { renew } from '../cluster/lease.ts'
import { newBlobId } from '../log/blob-id.ts'
import { type Entry, isChunk, isSegment } from '../log/entry.ts'
import { readHead } from '../log/head.ts'
import { entriesCovering, thoroughly } from '../log/index-search.ts'
import { compactionKey, headKey, type PartitionId, segmentKey } from '../log/keys.ts'
import { forgetEntries } from '../log/plan.ts'
import { untilDeadline } from '../log/retry.ts'
import { objectKeyOf, type Segment, segmentPatches } from '../log/segment.ts'
import { readFooter, type Source, segmentFooter, segmentHeader } from '../log/segment-object.ts'
import { spanWriter } from '../log/spans.ts'
import { configValue } from '../log/topic-configs.ts'
import { readBatchHeader } from '../protocol/records/batch.ts'
import type { Core } from '../runtime/core.ts'
import { type Action, equals, remove } from '../store/items.ts'
import {
  type CleanedSegment,
  cleanSegment,
  mapSegment,
  type Rules,
  SegmentGone,
  UnreadableBatch,
} from './clean-segment.ts'
import { type CompactionState, type Debt, endsEarly, putOff, saveCompaction, statePatches } from './compaction-state.ts'
import { type KeyMap, keyMap } from './key-map.ts'
import type { Slice } from './partition-step.ts'
import { graceMs } from './roll.ts'
import { removeSleepers } from './sleepers.ts'
import { stands, swap } from './swap.ts'
import { rememberUnreadable } from './unreadable.ts'

const entriesAPage = 50
/** Neighbours become one segment as long as it is no larger than this. */
const mergedBytesMost = 16 * 1024 * 1024
/** A transaction has 100 actions. */
const sourcesMost = 90
/** A map that takes longer ends where it is: the rewriting needs its time, too, and whoever goes on builds the map again. */
const mapMs = 30_000
const patienceMs = 60_000

/** What a slice of a pass came to. */
export type PassOutcome = {
  readonly state: CompactionState
  readonly debt: Debt
  /** Another run was faster, or the configs have changed; what was done stands. */
  readonly lost: boolean
  /** Where the first segment begins that was replaced. */
  readonly replacedFrom: number | undefined
}

type Run = {
  readonly core: Core
  readonly slice: Slice
  readonly start: number
  state: CompactionState
  debt: Debt
  lease: Slice['lease']
  replacedFrom: number | undefined
}

/** @throws StoreError, Error: what was done stands, and is gone on from. */
export async function runPass(
  core: Core,
  slice: Slice,
  pass: CompactionState,
  debt: Debt,
  slots?: number,
): Promise<PassOutcome> {
  const start = Math.max(slice.head.start, 0)
  const run: Run = { core, slice, start, state: pass, debt, lease: slice.lease, replacedFrom: undefined }
  let lost = false
  try {
    const map = await buildMap(run, slots)
    lost = map === 'lost' || (map !== 'put off' && !(await rewrite(run, map)))
  } catch (error) {
    if (error instanceof UnreadableBatch) throw rememberUnreadable(core, slice, error)
    if (!(error instanceof SegmentGone)) throw error
    if (await stands(core, slice.id, error.segment)) throw error
    lost = true
  }
  await saveCompaction(core, slice.id, run.state)
  if (lost) slice.figures.lostRaces++
  return { state: run.state, debt: run.debt, lost, replacedFrom: run.replacedFrom }
}

/**
 * The entries of the index that hold anything from `offset` to `to`, which lies below the tail. None is a chunk that somebody who slept
 * has brought back: it may stand where the walk begins or, at a segment's own base, at the end of a page. Ends before `to` where the
 * index changes under it: nothing is given twice.
 */
export async function* entriesFrom(core: Core, id: PartitionId, offset: number, to: number): AsyncGenerator<Entry> {
  for (let from = offset; from < to; ) {
    const found = await entriesCovering(core, id, from, entriesAPage)
    const isSure = from > offset || !found[0] || isSegment(found[0])
    const entries = isSure ? found : await entriesCovering(core, id, from, entriesAPage, thoroughly)
    const [first, last] = [entries[0], entries.at(-1)]
    // Somebody is changing it: what has been passed is part of a larger one by now.
    if (!first || !last || (from > offset && first.base < from)) return
    const isCut = isChunk(last) && entries.length >= entriesAPage
    for (const entry of isCut ? entries.slice(0, -1) : entries) if (entry.base < to) yield entry
    from = isCut ? last.base : last.end
  }
}

/** The segments among them, up to the first chunk. */
async function* segmentsFrom(core: Core, id: PartitionId, offset: number, to: number): AsyncGenerator<Segment> {
  for await (const entry of entriesFrom(core, id, offset, to)) {
    if (!isSegment(entry)) return
    yield entry
  }
}

/**
 * Where there is no room for all, or no time, the pass ends earlier, and begins anew: what it had come through is to be looked at again,
 * for less. One that has come some way and meets the end of a run is put off, therefore, if it was not before. `lost`: the lease is
 * another's.
 */
async function buildMap(run: Run, slots?: number): Promise<KeyMap | 'lost' | 'put off'> {
  const { core, slice } = run
  const from = Math.max(run.state.cleaned, run.start)
  const map = keyMap(core.random, from, run.state.to - from, slots)
  const untilMs = core.clock.uptime() + mapMs
  let reached = from
  for await (const segment of segmentsFrom(core, slice.id, from, run.state.to)) {
    if (reached > from && core.clock.uptime() >= untilMs) break
    if (reached > from && slice.timeIsUp()) {
      if (run.state.at <= run.start || run.state.restMs === putOff) break
      run.state = { ...run.state, restMs: putOff }
      return 'put off'
    }
    if (!(await isStillOurs(run))) return 'lost'
    const full = await mapSegment(core, slice.id, segment, map, from, run.state.to)
    reached = full ?? segment.end
    if (full !== undefined) break
  }
  if (reached < run.state.to) {
    run.state = { ...run.state, to: Math.max(reached, run.state.cleaned), at: run.start, restMs: endsEarly }
  } else if (run.state.restMs === putOff) run.state = { ...run.state, restMs: 0 }
  return map
}

/** Half-way through its time the lease is renewed. */
async function isStillOurs(run: Run): Promise<boolean> {
  const { lease, core } = run
  if (core.clock.uptime() < lease.trustedUntilMs - lease.leaseMs / 2) return true
  const renewed = await renew(core, lease)
  if (renewed) run.lease = renewed
  return renewed !== undefined
}

/** `false`: another was faster. */
async function rewrite(run: Run, map: KeyMap): Promise<boolean> {
  const { core, slice, state } = run
  const { overrides } = slice.topic
  const [cleaned, to, nowMs] = [state.cleaned, state.to, core.clock.now()]
  const rules: Rules = { map, cleaned, to, nowMs, tombstoneMs: Number(configValue(overrides, 'delete.retention.ms')) }
  const mergedMost = Math.min(mergedBytesMost, Number(configValue(overrides, 'segment.bytes')))
  let group: CleanedSegment[] = []
  let runningMs = await runningBefore(run)
  const close = async (): Promise<boolean> => {
    const done = group.length === 0 ? { runningMs } : await replace(run, group, runningMs)
    group = []
    if (done) runningMs = done.runningMs
    return done !== undefined
  }
  const from = Math.max(state.at, run.start)
  let reached = from
  for await (const segment of segmentsFrom(core, slice.id, from, to)) {
    if (reached > from && slice.timeIsUp()) return close()
    if (!(await isStillOurs(run))) return false
    await removeSleepers(core, slice.id, segment)
    const next = await cleanSegment(core, slice.id, segment, rules)
    const together = bytesOf(group) + next.bytes
    if ((together > mergedMost || group.length === sourcesMost) && !(await close())) return false
    group.push(next)
    reached = segment.end
  }
  if (!(await close()) || reached < to) return false
  // Also where nothing had to be written, or there was nothing.
  if (run.state.at < to) run.state = passedTo(run.state, to, core.clock.now())
  return true
}

const bytesOf = (group: readonly CleanedSegment[]): number => group.reduce((sum, { bytes }) => sum + bytes, 0)

/** The state when everything below `at` has been cleaned; with the last of it the pass is over. */
function passedTo(state: CompactionState, at: number, nowMs: number): CompactionState {
  if (at < state.to) return { ...state, at }
  return { ...state, at: state.to, cleaned: state.to, restMs: state.restMs === endsEarly ? 0 : nowMs + graceMs }
}

async function runningBefore({ core, slice, state, start }: Run): Promise<number> {
  const [first] = await entriesCovering(core, slice.id, Math.max(state.at, start), 0)
  const [before] = first && first.base > 0 ? await entriesCovering(core, slice.id, first.base - 1, 0) : []
  return before?.runningTimestampMs ?? -1
}

/** Puts one segment in the place of the group, unless that would change nothing. `undefined`: another was faster. */
async function replace(run: Run, group: readonly CleanedSegment[], runningMs: number) {
  const { core, slice } = run
  const { id, figures } = slice
  const [first, last] = [group[0], group.at(-1)]
  if (!first || !last) return undefined
  const horizonMs = Math.max(run.state.horizonMs, ...group.map((one) => one.horizonMs))
  const next = passedTo({ ...run.state, horizonMs }, last.source.end, core.clock.now())
  if (group.length === 1 && !first.isChanged) {
    run.state = next
    return { runningMs: first.source.runningTimestampMs }
  }
  const made = await storeCleaned(run, group, runningMs)
  if (!(await areConfigsStill(run))) return undefined
  const freed = group.reduce((sum, { source }) => sum + source.bytes, 0) - made.bytes
  const debt = { ...run.debt, bytes: run.debt.bytes + freed }
  const others = group.slice(1).map(
    ({ source }): Action => ({
      delete: segmentKey(id, source.base),
      if: equals('o', source.object),
    }),
  )
  const swapped = await swap(core, id, run.lease, made, [
    {
      update: segmentKey(id, made.base),
      patches: [...segmentPatches(made), remove('f')],
      if: equals('o', first.source.object),
    },
    ...others,
    { update: compactionKey(id), patches: statePatches(next, debt) },
  ])
  if (!swapped) return undefined
  forgetEntries(core, id)
  run.state = next
  run.debt = debt
  run.replacedFrom ??= made.base
  figures.compactedSegments += group.length
  figures.compactedBytes += freed
  return { runningMs: made.runningTimestampMs }
}

/** Records that are not to be compacted any more stay. */
async function areConfigsStill({ core, slice }: Run): Promise<boolean> {
  const item = await core.items.get(headKey(slice.id))
  return item !== undefined && readHead(slice.id, item).configVersion === slice.topic.configVersion
}

async function storeCleaned(run: Run, group: readonly CleanedSegment[], runningMs: number): Promise<Segment> {
  const { core, slice } = run
  const { id } = slice
  const [first, last] = [group[0], group.at(-1)]
  if (!first || !last) throw new Error('a segment is made of at least one')
  const batches = [...group.flatMap((one) => one.batches), ...(last.end ? [last.end] : [])]
  const bytes = batches.reduce((sum, batch) => sum + batch.length, 0)
  const spans = spanWriter(first.source.base, bytes)
  let maxTimestampMs = -1
  for (const batch of batches) {
    const header = readBatchHeader(batch)
    spans.add({ ...header, bytes: batch.length })
    maxTimestampMs = Math.max(maxTimestampMs, header.maxTimestampMs)
  }
  const sources: Source[] = []
  for (const { source } of group) {
    const footer = source.cleaned ? undefined : await readFooter(core, id, source)
    if (!source.cleaned && !footer) throw new SegmentGone(source)
    for (const one of footer?.sources ?? []) sources.push(one)
    sources.push({ kind: 'segment', id: source.object, base: source.base })
  }
  const footer = segmentFooter({ base: first.source.base, end: last.source.end, sources })
  const header = segmentHeader()
  const made: Segment = {
    ...last.source,
    base: first.source.base,
    runningTimestampMs: Math.max(runningMs, maxTimestampMs),
    maxTimestampMs,
    bytes,
    object: newBlobId(core.clock.now(), core.random),
    objectBytes: header.length + bytes + footer.length,
    packedSpans: spans.done(last.source.end),
    epoch: run.lease.epoch,
    cleaned: false,
  }
  const deadlineMs = core.clock.uptime() + patienceMs
  const object = Buffer.concat([header, ...batches, footer])
  await untilDeadline(core, deadlineMs, () => core.objects.put(objectKeyOf(id, made), [object]))
  return made
}
