import type { Core } from '../runtime/core.ts'
import { openOnce } from '../runtime/open-once.ts'
import { roundsMost, runMaintenance } from './run.ts'

/** What Lambda hands over beside the event. */
type Context = { readonly awsRequestId: string; getRemainingTimeInMillis(): number }

/** Kept free at the end of a run, for what it has in hand. */
const reserveMs = 15_000

/** The event by which the function goes on: how many rounds there were since the schedule's own event, which names none. */
export type Round = { readonly round: number }

/**
 * The function that a schedule starts. `openCore` is called once a process; where it fails, the next run calls it again. While there
 * is more to do it has itself started `again`, up to `roundsMost` times a tick of the schedule. Rejects where the run failed, or a
 * group in it: Lambda counts that, and the alarm is raised by it.
 */
export function maintenanceHandler(
  openCore: () => Promise<Core>,
  again: (round: Round) => Promise<void>,
): (event: unknown, context: Context) => Promise<void> {
  const open = openOnce(openCore)
  return async (event, context) => {
    const core = await open()
    const budgetMs = Math.max(0, context.getRemainingTimeInMillis() - reserveMs)
    const { more, error } = await runMaintenance(core, { budgetMs }, context.awsRequestId)
    const round = roundOf(event) + 1
    // A failure of some part is no reason to leave the others waiting.
    if (more && round < roundsMost) await again({ round })
    if (error !== undefined) throw error
  }
}

/** Anything that is not ours counts as the first round. */
function roundOf(event: unknown): number {
  const round = typeof event === 'object' && event !== null && 'round' in event ? event.round : 0
  return typeof round === 'number' && Number.isSafeInteger(round) && round > 0 ? round : 0
}
