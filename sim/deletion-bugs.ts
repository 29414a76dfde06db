/** Bugs to plant in the removal of what deleted topics left; see `bugs.ts`. */
import type { Bug } from './bugs.ts'

const bug = (name: string, caughtWithin: number, file: string, find: string, replace: string): Bug => ({
  name,
  caughtWithin,
  patches: [{ file, changes: [{ find, replace }] }],
  scene: 'deleting',
})

export const deletionBugs: readonly Bug[] = [
  bug(
    'a job is over before whoever slept has added to the index',
    200,
    'src/maintenance/jobs-task.ts',
    '  if (job.emptiedMs !== undefined) return finish(core, job, report)\n',
    '  if (job.emptiedMs !== 0) return finish(core, job, report)\n',
  ),
  bug(
    'blobs that another topic needs go with a deleted one',
    200,
    'src/maintenance/dead-partition.ts',
    'owners?.every((owner)',
    'owners?.some((owner)',
  ),
  bug(
    'a job goes on with the index while heads still stand',
    300,
    'src/maintenance/jobs-task.ts',
    '  if (job.from === 0) await inParallel(headsAtOnce, ids, (id) => core.items.delete(headKey(id)))\n',
    '',
  ),
]
