/**
 * Compaction: of records of one key only the newest stays (docs/decisions/0017-compaction.md). When a pass begins is told as Kafka's
 * LogCleanerManager does: by how much of the log was never cleaned (`min.cleanable.dirty.ratio`), or how old that is
 * (`max.compaction.lag.ms`); it takes what is rolled and old enough (`min.compaction.lag.ms`). Kafka has no pass for tombstones alone;
 * here one is made when the last of them may go.
 */
import { isSegment, newestMs } from '../log/entry.ts'
import { tailRefs } from '../log/head.ts'
import { readHeads } from '../log/plan.ts'
import type { Ref } from '../log/ref.ts'
import { retentionOf } from '../log/retention.ts'
import { objectKeyOf, type Segment, segmentHeaderBytes } from '../log/segment.ts'
import { configValue } from '../log/topic-configs.ts'
import { layout, viewOf } from '../protocol/records/header.ts'
import type { Core } from '../runtime/core.ts'
import { entriesFrom, runPass } from './compact-pass.ts'
import { type CompactionState, readCompaction, settleDebt } from './compaction-state.ts'
import type { PartitionStep, Slice, StepOutcome } from './partition-step.ts'
import { graceMs } from './roll.ts'
import { unreadable } from './unreadable.ts'
import { never, type Upkeep } from './upkeep.ts'

const batchHeaderBytes = layout.records

export const compact: PartitionStep = {
  name: 'compact',
  isDue: ({ topic, upkeep }, nowMs) =>
    retentionOf(topic.overrides).compacts &&
    (upkeep.rolled > upkeep.compacted || topic.configVersion !== upkeep.compactVersion || nowMs >= upkeep.compactMs),
  run: (core, slice) => compactOnce(core, slice),
}

/** A pass, or as much of it as time allows. `slots`: of the map, for tests. */
export async function compactOnce(core: Core, slice: Slice, slots?: number): Promise<StepOutcome> {
  const { id, topic, lease } = slice
  const trouble = unreadable(core, id)
  if (trouble) throw trouble
  const { state, debt } = await readCompaction(core, id)
  const plan = await planPass(core, slice, state)
  const upkeep = looked(slice, plan.nextMs)
  if (!plan.pass && debt.number <= slice.head.settlements) return { upkeep, more: false }
  const [found] = await readHeads(core, [id])
  const head = found && debt.number > found.settlements ? await settleDebt(core, id, lease.epoch, debt) : found
  if (!head || head.configVersion !== topic.configVersion) return { upkeep: slice.upkeep, more: false }
  if (!plan.pass) return { upkeep, more: false }
  const owed = { bytes: 0, number: head.settlements + 1 }
  const outcome = await runPass(core, { ...slice, head }, plan.pass, owed, slots)
  if (outcome.debt.bytes !== 0) await settleDebt(core, id, lease.epoch, outcome.debt)
  const [now] = await readHeads(core, [id])
  const isOpen = outcome.state.at < outcome.state.to
  const { restMs, horizonMs } = outcome.state
  // At once where a pass goes on or the next one is to follow; else when the next look is worth it.
  const nextMs = isOpen || restMs === 0 ? 0 : Math.max(restMs, horizonMs > 0 ? horizonMs : restMs)
  const later = looked(slice, nextMs)
  const cleaned = Math.min(later.cleaned, outcome.replacedFrom ?? later.cleaned)
  const cleanMs = Math.min(later.cleanMs, outcome.replacedFrom === undefined ? never : core.clock.now() + graceMs)
  return {
    upkeep: { ...later, cleaned, cleanMs },
    more: !outcome.lost && nextMs === 0,
    ...(now ? { head: now } : {}),
  }
}

const looked = ({ upkeep, topic }: Slice, compactMs: number): Upkeep => ({
  ...upkeep,
  compacted: upkeep.rolled,
  compactVersion: topic.configVersion,
  compactMs,
})

type Plan = { readonly pass?: CompactionState; readonly nextMs: number }

async function planPass(core: Core, slice: Slice, state: CompactionState): Promise<Plan> {
  if (state.at < state.to) return { pass: state, nextMs: 0 }
  const nowMs = core.clock.now()
  const start = slice.head.start
  if (nowMs < state.restMs) return { nextMs: state.restMs }
  const dirty = await dirtySection(core, slice, Math.max(state.cleaned, start), nowMs)
  const begin = { ...state, at: start, horizonMs: 0, restMs: 0 }
  if (dirty.isDue && dirty.end > start) return { pass: { ...begin, to: dirty.end }, nextMs: 0 }
  const isHorizonDue = state.horizonMs > 0 && nowMs >= state.horizonMs
  if (isHorizonDue && state.cleaned > start) return { pass: { ...begin, to: state.cleaned }, nextMs: 0 }
  return { nextMs: Math.min(dirty.nextMs, state.horizonMs > nowMs ? state.horizonMs : never) }
}

type Dirty = { readonly end: number; readonly isDue: boolean; readonly nextMs: number }

/** Segments beyond this many are more than enough to begin with. */
const segmentsSought = 2_000

/** What is rolled, old enough, and was never cleaned. */
async function dirtySection(core: Core, slice: Slice, from: number, nowMs: number): Promise<Dirty> {
  const { head, topic } = slice
  const configOf = (name: string) => Number(configValue(topic.overrides, name))
  const { first, end, bytes, otherBytes, nextMs, count } = await cleanable(core, slice, from, nowMs)
  slice.figures.backlogBytes += bytes
  if (!first || bytes === 0) return { end, isDue: false, nextMs }
  // What is young or in no segment yet has no part in it, as Kafka's active segment has none.
  const cleanBytes = Math.max(0, head.bytes - bytes - otherBytes - lengthOf(tailRefs(head)))
  const isRatioReached = bytes / (bytes + cleanBytes) > configOf('min.cleanable.dirty.ratio')
  if (isRatioReached || count >= segmentsSought) return { end, isDue: true, nextMs: 0 }
  const lagMs = configOf('max.compaction.lag.ms')
  const oldestMs = lagMs < Number.MAX_SAFE_INTEGER ? await firstTimestamp(core, slice, first) : undefined
  if (oldestMs === undefined) return { end, isDue: false, nextMs }
  return { end, isDue: nowMs - oldestMs >= lagMs, nextMs: Math.min(nextMs, oldestMs + lagMs) }
}

/** The segments from there on up to the first that is too young, or to the first chunk; and what lies behind them. */
async function cleanable(core: Core, { id, head, topic }: Slice, from: number, nowMs: number) {
  const youngMs = Number(configValue(topic.overrides, 'min.compaction.lag.ms'))
  const found = { first: undefined as Segment | undefined, end: from, bytes: 0, otherBytes: 0, nextMs: never, count: 0 }
  if (from >= head.tailStart) return found
  let isOpen = true
  for await (const entry of entriesFrom(core, id, from, head.tailStart)) {
    const isYoung = isSegment(entry) && youngMs > 0 && newestMs(entry) > nowMs - youngMs
    if (isOpen && isYoung) found.nextMs = newestMs(entry) + youngMs
    isOpen &&= isSegment(entry) && !isYoung
    if (!isSegment(entry)) found.otherBytes += lengthOf(entry.refs)
    else if (!isOpen) found.otherBytes += entry.bytes
    else {
      found.first ??= entry
      found.end = entry.end
      found.bytes += entry.bytes
      if (++found.count >= segmentsSought) break
    }
  }
  return found
}

const lengthOf = (refs: readonly Ref[]): number => refs.reduce((sum, { length }) => sum + length, 0)

/** Of the first batch, as Kafka has it: the greatest in it. `undefined` where it has none. */
async function firstTimestamp(core: Core, { id }: Slice, segment: Segment): Promise<number | undefined> {
  const range = { start: segmentHeaderBytes, end: segmentHeaderBytes + batchHeaderBytes }
  const bytes = await core.objects.get(objectKeyOf(id, segment), range)
  if (bytes?.length !== batchHeaderBytes) return undefined
  const timestampMs = Number(viewOf(bytes).getBigInt64(layout.maxTimestamp))
  return timestampMs > 0 ? timestampMs : undefined
}
