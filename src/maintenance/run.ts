import { observeJob } from '../observability/job.ts'
import type { Core } from '../runtime/core.ts'
import { type Budget, type MaintenanceReport, maintain } from './maintain.ts'

/** One run and its line in the log. @throws what the run, or the first group that failed in it, threw. */
export async function runMaintenance(core: Core, budget: Budget, requestId?: string): Promise<MaintenanceReport> {
  const { meter, finish } = observeJob({ job: 'maintain', requestId, clock: core.clock })
  const metered = { ...core, items: core.items.metered(meter), objects: core.objects.metered(meter) }
  try {
    const report = await maintain(metered, budget)
    const { error } = report.groups
    finish({ metrics: metricsOf(report), ...(error === undefined ? {} : { error }) })
    if (error !== undefined) throw error
    return report
  } catch (error) {
    finish({ metrics: {}, error })
    throw error
  }
}

const metricsOf = ({ groups }: MaintenanceReport) => ({
  BacklogAge: groups.backlogMs,
  GroupsLooked: groups.groupsLooked,
  RemovedMembers: groups.removedMembers,
  ExpiredOffsets: groups.expiredOffsets,
  RemovedInstances: groups.removedInstances,
})
