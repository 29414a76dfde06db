import { observeJob } from '../observability/job.ts'
import type { Core } from '../runtime/core.ts'
import { type Budget, type MaintenanceReport, maintain } from './maintain.ts'

/** One run and its line in the log. @throws what the run, or the first group that failed in it, threw, or a job, or a partition. */
export async function runMaintenance(core: Core, budget: Budget, requestId?: string): Promise<MaintenanceReport> {
  const { meter, finish } = observeJob({ job: 'maintain', requestId, clock: core.clock })
  const metered = { ...core, items: core.items.metered(meter), objects: core.objects.metered(meter) }
  try {
    const report = await maintain(metered, budget)
    const error = report.jobs.error ?? report.groups.error ?? report.partitions.error
    finish({ ...figuresOf(report), ...(error === undefined ? {} : { error }) })
    if (error !== undefined) throw error
    return report
  } catch (error) {
    finish({ figures: {}, counted: [], error })
    throw error
  }
}

/** What was zero is not counted, and nothing where there was nothing to look at: a metric costs $0.30 a month, a run far less. */
function figuresOf({ jobs, groups, partitions }: MaintenanceReport) {
  const counts = {
    GroupsLooked: groups.groupsLooked,
    RemovedMembers: groups.removedMembers,
    ExpiredOffsets: groups.expiredOffsets,
    RemovedInstances: groups.removedInstances,
    FinishedJobs: jobs.finished,
    RemovedEntries: jobs.entries + partitions.removedEntries,
    DeletedBytes: jobs.bytes + partitions.retiredBytes,
    RolledBytes: partitions.rolledBytes,
    RolledSegments: partitions.segments,
    DeletedBlobs: jobs.blobs + partitions.deletedBlobs,
    BacklogBytes: partitions.backlogBytes,
    FailedPartitions: partitions.failedPartitions,
  }
  // Object.keys forgets the keys that the literal has.
  const names = Object.keys(counts) as (keyof typeof counts)[]
  const nonzero = names.filter((name) => counts[name] > 0)
  return {
    figures: { ...counts, BacklogAge: Math.round(Math.max(groups.backlogMs, jobs.backlogMs, partitions.backlogMs)) },
    counted: nonzero.length > 0 ? [...nonzero, 'BacklogAge' as const] : [],
  }
}
