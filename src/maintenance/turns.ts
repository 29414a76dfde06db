/**
 * How a run's time is shared among its tasks. The one that is furthest behind comes first, and as long as others wait none gets more
 * than half of what is left: the deletion of a huge topic must not keep retention waiting for hours, nor the other way round.
 */
import { jobsPk, maintenanceKey } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'

export type TaskName = 'jobs' | 'partitions' | 'sweep' | 'groups'
export type Turn = (timeIsUp: () => boolean) => Promise<void>

/** Tasks that are behind equally keep this order: what frees space, then what a caller may be waiting for. */
const taskNames: readonly TaskName[] = ['jobs', 'partitions', 'sweep', 'groups']
const jobsLookedAt = 100
const cursorsMost = 20

/** Those that were never done come after those known to be behind. @throws StoreError */
export async function oldestFirst(core: Core): Promise<readonly TaskName[]> {
  const [cursors, jobs] = await Promise.all([
    core.items.query({ pk: maintenanceKey('').pk, limit: cursorsMost }),
    core.items.query({ pk: jobsPk, limit: jobsLookedAt }),
  ])
  const since = new Map<string, number>()
  for (const { sk, item } of cursors) {
    // The sweep has no pass that others wait for: it is behind where one is open.
    const ms = sk === 'sweep' ? Number(item.toMs) > 0 && Number(item.passMs) : Number(item.doneMs)
    if (ms) since.set(sk, ms)
  }
  const waiting = jobs.filter(({ item }) => item.kind === 'delete-topic' && item.emptied === undefined)
  if (waiting.length > 0) since.set('jobs', Math.min(...waiting.map(({ item }) => Number(item.at))))
  const sinceMs = (task: TaskName) => since.get(task) ?? Number.MAX_SAFE_INTEGER
  return taskNames.toSorted((one, other) => sinceMs(one) - sinceMs(other))
}

/** Runs all of them, whatever becomes of one. @throws the first error that one threw, after the others have had their turns. */
export async function inTurns(
  core: Core,
  untilUptimeMs: number,
  stopped: () => boolean,
  turns: readonly Turn[],
): Promise<void> {
  const errors: unknown[] = []
  for (const [at, turn] of turns.entries()) {
    const nowMs = core.clock.uptime()
    const leftMs = untilUptimeMs - nowMs
    const turnEndsMs = at === turns.length - 1 ? untilUptimeMs : nowMs + leftMs / 2
    try {
      await turn(() => stopped() || core.clock.uptime() >= turnEndsMs)
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
