/**
 * One pass over all partitions: those with nothing to do cost a share of two reads; of the others each is worked on under its lease,
 * step by step, side by side with the others of its topic, so that blobs that they share are read once. A pass goes on where the
 * last run stopped, so that whoever waited longest comes first.
 */
import type { Held } from '../cluster/lease.ts'
import { readHeads } from '../log/plan.ts'
import { listTopics, type Topic } from '../log/topics.ts'
import { type ByteCache, byteCache } from '../runtime/byte-cache.ts'
import type { Core } from '../runtime/core.ts'
import { cleanRolled } from './clean-rolled.ts'
import { compact } from './compact.ts'
import { type Cursor, readCursor, saveCursor } from './cursor.ts'
import { forgetProducers } from './forget-producers.ts'
import { merge } from './merge.ts'
import { leavePartition, takePartition } from './partition-lease.ts'
import { noFigures, type PartitionFigures, type PartitionStep, type Seen } from './partition-step.ts'
import { retain } from './retain.ts'
import { roll } from './roll.ts'
import { sweepSegments } from './sweep-segments.ts'
import { readUpkeep, readUpkeepOf, saveUpkeep } from './upkeep.ts'

const task = 'partitions'
/** The sweep first, see there; then retention: what is over need not be rolled. */
const steps: readonly PartitionStep[] = [sweepSegments, retain, roll, merge, cleanRolled, forgetProducers, compact]
/** Schedules that fire more often, or two at once, do not make more of it. */
const passEveryMs = 60_000
const sharedBytes = 48 * 1024 * 1024

export type PartitionsReport = PartitionFigures & {
  partitionsLooked: number
  /** Partitions that could not be worked on for an error of their own; the pass goes on without them. */
  failedPartitions: number
  /** Partitions that another run was at work on: it sees to them. */
  busyPartitions: number
  /** The first such error. */
  error?: unknown
  /** How long ago the last pass that came to its end began. */
  backlogMs: number
  /** The pass has not come to its end. */
  more: boolean
}

export const noPartitions = (): PartitionsReport => ({
  ...noFigures(),
  partitionsLooked: 0,
  failedPartitions: 0,
  busyPartitions: 0,
  backlogMs: 0,
  more: false,
})

/** @throws StoreError where topics cannot be read. */
export async function maintainPartitions(core: Core, timeIsUp: () => boolean): Promise<PartitionsReport> {
  const report = noPartitions()
  const found = await readCursor(core, task)
  const nowMs = core.clock.now()
  const isFresh = !found.open && nowMs - found.passMs < passEveryMs && nowMs >= found.passMs
  if (isFresh) return { ...report, backlogMs: Math.max(0, nowMs - found.doneMs) }
  const opened = found.open ? found : { ...found, passMs: nowMs, open: true, at: '' }
  const cursor = await pass(core, opened, timeIsUp, report)
  return { ...report, backlogMs: Math.max(0, core.clock.now() - cursor.doneMs), more: cursor.open }
}

/** Goes on from the cursor, which names the topic that comes next, until all are done or time is up. */
async function pass(core: Core, from: Cursor, timeIsUp: () => boolean, report: PartitionsReport): Promise<Cursor> {
  const topics = (await listTopics(core)).filter(({ name }) => name >= from.at)
  let cursor: Cursor = { ...from, open: false, doneMs: from.passMs, at: '' }
  for (const topic of topics) {
    const done = !timeIsUp() && (await maintainTopic(core, topic, timeIsUp, report))
    if (done) continue
    cursor = { ...from, at: topic.name }
    break
  }
  // Where another run saved since, its word counts.
  return (await saveCursor(core, task, cursor)) ?? readCursor(core, task)
}

/** All partitions of one topic. `false`: time ran out before all of it was done. @throws StoreError */
export async function maintainTopic(
  core: Core,
  topic: Topic,
  timeIsUp: () => boolean,
  report: PartitionsReport,
): Promise<boolean> {
  const ids = Array.from({ length: topic.partitions }, (_, partition) => ({ topicId: topic.id, partition }))
  const [heads, upkeepOf] = await Promise.all([readHeads(core, ids), readUpkeep(core, topic.id)])
  const nowMs = core.clock.now()
  const seen = ids.flatMap((id, at): Seen[] => {
    const head = heads[at]
    return head ? [{ topic, id, head, upkeep: upkeepOf(id.partition) }] : []
  })
  report.partitionsLooked += seen.length
  let due = seen.filter((one) => steps.some((step) => step.isDue(one, nowMs)))
  const shared = byteCache<Uint8Array>(sharedBytes)
  const partitions = due.length
  while (due.length > 0) {
    const more: Seen[] = []
    for (const [at, one] of due.entries()) {
      if (timeIsUp()) {
        for (const waits of [...due.slice(at), ...more]) report.backlogBytes += waitingBytes(waits)
        return false
      }
      const next = await workOn(core, one, { timeIsUp, shared, partitions }, report)
      if (next) more.push(next)
    }
    due = more
  }
  return true
}

/** Of what is to be rolled, reckoned: how many records of the log's wait, and what one weighs on average. */
function waitingBytes({ head, upkeep }: Seen): number {
  const records = head.tailStart - Math.max(upkeep.rolled, head.start)
  return records <= 0 ? 0 : Math.round((head.bytes * records) / (head.next - head.start))
}

type Shared = {
  readonly timeIsUp: () => boolean
  readonly shared: ByteCache<Uint8Array>
  readonly partitions: number
}

/** One turn of each step that is due. Gives the partition as it is then, where there is more to do. */
async function workOn(core: Core, one: Seen, shared: Shared, report: PartitionsReport): Promise<Seen | undefined> {
  try {
    const lease = await takePartition(core, one.id)
    if (!lease) {
      report.busyPartitions++
      return undefined
    }
    try {
      return await takeTurn(core, one, lease, shared, report)
    } finally {
      await leavePartition(core, lease)
    }
  } catch (error) {
    report.failedPartitions++
    report.error ??= error
    return undefined
  }
}

/** Everything is read anew under the lease: whoever had it before may have changed it since. */
async function takeTurn(core: Core, one: Seen, lease: Held, shared: Shared, report: PartitionsReport) {
  const [[found], before] = await Promise.all([readHeads(core, [one.id]), readUpkeepOf(core, one.id)])
  if (!found) return undefined
  let head = found
  let upkeep = before
  let more = false
  try {
    for (const step of steps) {
      const seen = { ...one, head, upkeep }
      // A pass takes all that is rolled by then, and the next one is ten minutes away.
      if (step === compact && more) continue
      if (!step.isDue(seen, core.clock.now())) continue
      const outcome = await step.run(core, { ...seen, ...shared, lease, figures: report })
      upkeep = outcome.upkeep
      head = outcome.head ?? head
      more ||= outcome.more
    }
  } finally {
    await saveUpkeep(core, one.id, before, upkeep)
  }
  return more ? { ...one, head, upkeep } : undefined
}
