/**
 * What no caller will ask for again, done in bounded slices: a run goes on where the last one stopped, ends within its budget, and
 * may overlap another run, for every change it makes is conditional. Its tasks, oldest backlog first (turns.ts):
 *
 *   jobs     what deleted topics left, and topics that were never finished (jobs-task.ts)
 *   partitions  rolling chunks into segments, and what else goes on in a log (partitions-task.ts)
 *   sweep    blobs that nobody names (sweep.ts)
 *   groups   dead members where nobody lives, expired offsets, idle REST instances, groups with nothing left (groups-task.ts)
 */
import type { Core } from '../runtime/core.ts'
import { type GroupsReport, maintainGroups } from './groups-task.ts'
import { type JobsReport, workOffJobs } from './jobs-task.ts'
import { maintainPartitions, type PartitionsReport } from './partitions-task.ts'
import { type SweepReport, sweep } from './sweep.ts'
import { inTurns, oldestFirst, type TaskName, type Turn } from './turns.ts'

export type MaintenanceReport = {
  readonly jobs: JobsReport
  readonly groups: GroupsReport
  readonly partitions: PartitionsReport
  readonly sweep: SweepReport
  /** Time ran out before all of it was done: the next run goes on. */
  readonly more: boolean
}

export type Budget = {
  readonly budgetMs: number
  /** Ends the run early. */
  readonly signal?: AbortSignal
}

/**
 * One run of at most `budgetMs`, as far as the stores' own time-outs let it.
 * @throws what a task threw that could not even tell what it had done, after the others had their turns
 */
export async function maintain(core: Core, { budgetMs, signal }: Budget): Promise<MaintenanceReport> {
  const untilUptimeMs = core.clock.uptime() + budgetMs
  const done: { -readonly [Task in TaskName]?: MaintenanceReport[Task] } = {}
  const tasks: Readonly<Record<TaskName, Turn>> = {
    jobs: async (timeIsUp) => {
      done.jobs = await workOffJobs(core, timeIsUp)
    },
    groups: async (timeIsUp) => {
      done.groups = await maintainGroups(core, timeIsUp)
    },
    partitions: async (timeIsUp) => {
      done.partitions = await maintainPartitions(core, timeIsUp)
    },
    sweep: async (timeIsUp) => {
      done.sweep = await sweep(core, timeIsUp)
    },
  }
  const turns = (await oldestFirst(core)).map((task) => tasks[task])
  await inTurns(core, untilUptimeMs, () => signal?.aborted === true, turns)
  const { jobs, groups, partitions, sweep: swept } = done
  if (!jobs || !groups || !partitions || !swept) throw new Error('a task of the maintenance had no turn')
  const more = jobs.backlogMs > 0 || groups.more || partitions.more || swept.backlogMs > 0
  return { jobs, groups, partitions, sweep: swept, more }
}
