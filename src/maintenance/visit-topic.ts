/**
 * A visit to one topic: those of its partitions that have something to do are worked on under their leases, step by step and side by
 * side, so that blobs that they share are read once. Whoever waited longest comes first.
 */
import type { Held } from '../cluster/lease.ts'
import { readHeads } from '../log/plan.ts'
import type { Topic } from '../log/topics.ts'
import { type ByteCache, byteCache } from '../runtime/byte-cache.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { cleanRolled } from './clean-rolled.ts'
import { compact } from './compact.ts'
import { forgetProducers } from './forget-producers.ts'
import { merge } from './merge.ts'
import { claimHead, leavePartition, takePartition } from './partition-lease.ts'
import { noFigures, type PartitionFigures, type PartitionStep, type Seen } from './partition-step.ts'
import { retain } from './retain.ts'
import { roll } from './roll.ts'
import { sweepSegments } from './sweep-segments.ts'
import { readUpkeep, readUpkeepOf, saveUpkeep } from './upkeep.ts'

/** The sweep first, see there; then retention: what is over need not be rolled. */
const steps: readonly PartitionStep[] = [sweepSegments, retain, roll, merge, cleanRolled, forgetProducers, compact]
const sharedBytes = 48 * 1024 * 1024

/** What visits did, added up. */
export type VisitFigures = PartitionFigures & {
  partitionsLooked: number
  /** Partitions that could not be worked on for an error of their own; the others are. */
  failedPartitions: number
  /** Partitions that another run was at work on: it sees to them. */
  busyPartitions: number
  /** The first such error. */
  error?: unknown
}

export const noVisits = (): VisitFigures => ({
  ...noFigures(),
  partitionsLooked: 0,
  failedPartitions: 0,
  busyPartitions: 0,
})

export type Visit = {
  /** No step begins after it, and long ones end at it. */
  readonly timeIsUp: () => boolean
  /** Asked between turns: whether others are to have theirs. */
  readonly isOver: () => boolean
  readonly figures: VisitFigures
}

/** Whether the topic has more to do, and of that the bytes that wait to be rolled. */
export type Left = { readonly more: boolean; readonly bytes: number }

/** Turn after turn, until nothing is due. @throws StoreError */
export async function visitTopic(core: Core, topic: Topic, visit: Visit): Promise<Left> {
  let due = await duePartitions(core, topic, visit.figures)
  const shared = byteCache<Uint8Array>(sharedBytes)
  const partitions = due.length
  while (due.length > 0) {
    const more: Seen[] = []
    for (const [at, one] of due.entries()) {
      if (visit.timeIsUp() || visit.isOver()) return left([...due.slice(at), ...more])
      const next = await workOn(core, one, { ...visit, shared, partitions })
      if (next) more.push(next)
    }
    due = more
  }
  return { more: false, bytes: 0 }
}

async function duePartitions(core: Core, topic: Topic, figures: VisitFigures): Promise<readonly Seen[]> {
  const ids = Array.from({ length: topic.partitions }, (_, partition) => ({ topicId: topic.id, partition }))
  const [heads, upkeepOf] = await Promise.all([readHeads(core, ids), readUpkeep(core, topic.id)])
  const nowMs = core.clock.now()
  const seen = ids.flatMap((id, at): Seen[] => {
    const head = heads[at]
    return head ? [{ topic, id, head, upkeep: upkeepOf(id.partition) }] : []
  })
  figures.partitionsLooked += seen.length
  return seen
    .filter((one) => steps.some((step) => step.isDue(one, nowMs)))
    .toSorted((one, other) => one.upkeep.workedMs - other.upkeep.workedMs)
}

const left = (waiting: readonly Seen[]): Left => ({
  more: true,
  bytes: waiting.reduce((sum, one) => sum + waitingBytes(one), 0),
})

/** Of what is to be rolled, reckoned: how many records of the log's wait, and what one weighs on average. */
function waitingBytes({ head, upkeep }: Seen): number {
  const records = head.tailStart - Math.max(upkeep.rolled, head.start)
  return records <= 0 ? 0 : Math.round((head.bytes * records) / (head.next - head.start))
}

type Shared = Visit & {
  readonly shared: ByteCache<Uint8Array>
  /** How many share the memory. */
  readonly partitions: number
}

/** One turn of each step that is due. Gives the partition as it is then, where there is more to do. */
async function workOn(core: Core, one: Seen, shared: Shared): Promise<Seen | undefined> {
  const { figures } = shared
  try {
    const lease = await takePartition(core, one.id)
    if (!lease) {
      figures.busyPartitions++
      return undefined
    }
    try {
      return await takeTurn(core, one, lease, shared)
    } finally {
      await leavePartition(core, lease)
    }
  } catch (error) {
    figures.failedPartitions++
    figures.error ??= error
    return undefined
  }
}

/**
 * Everything is read anew under the lease: whoever had it before may have changed it since. A step that fails does not keep the
 * others from their turns, unless it is the store that is in trouble.
 * @throws what the first one failed with, when all have had their turns
 */
async function takeTurn(core: Core, one: Seen, lease: Held, { timeIsUp, shared, partitions, figures }: Shared) {
  const [found, before] = await Promise.all([claimHead(core, one.id, lease), readUpkeepOf(core, one.id)])
  if (!found) {
    // Another has taken over meanwhile, or the topic is gone.
    figures.busyPartitions++
    return undefined
  }
  let head = found
  let upkeep = before
  let more = false
  const failures: unknown[] = []
  for (const step of steps) {
    const seen = { ...one, head, upkeep }
    // A pass takes all that is rolled by then, and the next one is ten minutes away.
    if (step === compact && more) continue
    if (!step.isDue(seen, core.clock.now())) continue
    try {
      const outcome = await step.run(core, { ...seen, lease, timeIsUp, shared, partitions, figures })
      upkeep = outcome.upkeep
      head = outcome.head ?? head
      more ||= outcome.more
    } catch (error) {
      failures.push(error)
      // The others would wait for the store as long.
      if (error instanceof StoreError && error.retriable) break
    }
  }
  await saveUpkeep(core, one.id, before, { ...upkeep, workedMs: core.clock.now() })
  if (failures.length > 0) throw failures[0]
  return more ? { ...one, head, upkeep } : undefined
}
