import { observeJob } from '../observability/job.ts'
import type { Core } from '../runtime/core.ts'
import { type Budget, type MaintenanceReport, maintain } from './maintain.ts'

/** A run goes on at once while there is more to do, so many times for one tick of the schedule at most. */
export const roundsMost = 20

/** `error`: the first that a job, a group or a partition failed with. The others were looked after all the same. */
export type Run = MaintenanceReport & { readonly error?: unknown }

/** One run and its line in the log. @throws what kept it from telling what it did */
export async function runMaintenance(core: Core, budget: Budget, requestId?: string): Promise<Run> {
  const startedMs = core.clock.uptime()
  const { meter, finish } = observeJob({ job: 'maintain', requestId, clock: core.clock })
  const metered = { ...core, items: core.items.metered(meter), objects: core.objects.metered(meter) }
  try {
    const report = await maintain(metered, budget)
    const error = report.jobs.error ?? report.groups.error ?? report.partitions.error ?? report.sweep.error
    const ranMs = core.clock.uptime() - startedMs
    finish({ ...figuresOf(report, ranMs), ...(error === undefined ? {} : { error }) })
    return { ...report, ...(error === undefined ? {} : { error }) }
  } catch (error) {
    finish({ figures: {}, counted: [], error })
    throw error
  }
}

const worthTellingMs = 60 * 60_000

/** What was zero is not counted, and nothing where there was nothing to look at: a metric costs $0.30 a month, a run far less. */
function figuresOf({ jobs, groups, partitions, sweep }: MaintenanceReport, ranMs: number) {
  const counts = {
    GroupsLooked: groups.groupsLooked,
    RemovedMembers: groups.removedMembers,
    ExpiredOffsets: groups.expiredOffsets,
    RemovedInstances: groups.removedInstances,
    FinishedJobs: jobs.finished,
    RemovedEntries: jobs.entries + partitions.removedEntries,
    DeletedBytes: jobs.bytes + partitions.retiredBytes + partitions.sweptBytes + sweep.sweptBytes,
    RolledBytes: partitions.rolledBytes,
    CompactedBytes: Math.max(0, partitions.compactedBytes),
    RolledSegments: partitions.segments,
    DeletedBlobs: jobs.blobs + partitions.deletedBlobs + partitions.sweptSegments + sweep.sweptBlobs,
    BacklogBytes: partitions.backlogBytes,
    Failures: jobs.failed + groups.failedGroups + partitions.failedPartitions + (sweep.error === undefined ? 0 : 1),
  }
  // Object.keys forgets the keys that the literal has.
  const names = Object.keys(counts) as (keyof typeof counts)[]
  const nonzero = names.filter((name) => counts[name] > 0)
  const backlogMs = Math.max(groups.backlogMs, jobs.backlogMs, partitions.backlogMs)
  // The alarm must hear of a backlog also where nothing can be done about it.
  const isWorthIt = nonzero.length > 0 || backlogMs >= worthTellingMs
  return {
    figures: { ...counts, BacklogAge: Math.round(backlogMs), RunTime: Math.round(ranMs) },
    counted: isWorthIt ? [...nonzero, 'BacklogAge' as const, 'RunTime' as const] : [],
  }
}
