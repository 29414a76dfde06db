/**
 * What no caller will ask for again, done in bounded slices: a run goes on where the last one stopped, ends within its budget, and
 * may overlap another run, for every change it makes is conditional. Its tasks, oldest backlog first:
 *
 *   jobs     what deleted topics left, and topics that were never finished (jobs-task.ts)
 *   partitions  rolling chunks into segments, and what else goes on in a log (partitions-task.ts)
 *   groups   dead members where nobody lives, expired offsets, idle REST instances, groups with nothing left (groups-task.ts)
 */
import type { Core } from '../runtime/core.ts'
import { type GroupsReport, maintainGroups } from './groups-task.ts'
import { type JobsReport, workOffJobs } from './jobs-task.ts'
import { maintainPartitions, type PartitionsReport } from './partitions-task.ts'

export type MaintenanceReport = {
  readonly jobs: JobsReport
  readonly groups: GroupsReport
  readonly partitions: PartitionsReport
}

export type Budget = {
  readonly budgetMs: number
  /** Ends the run early. */
  readonly signal?: AbortSignal
}

/** One run of at most `budgetMs`, as far as the stores' own time-outs let it. @throws StoreError */
export async function maintain(core: Core, { budgetMs, signal }: Budget): Promise<MaintenanceReport> {
  const untilUptimeMs = core.clock.uptime() + budgetMs
  const timeIsUp = () => signal?.aborted === true || core.clock.uptime() >= untilUptimeMs
  const jobs = await workOffJobs(core, timeIsUp)
  const groups = await maintainGroups(core, timeIsUp)
  return { jobs, groups, partitions: await maintainPartitions(core, timeIsUp) }
}
