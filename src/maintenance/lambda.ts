import type { Core } from '../runtime/core.ts'
import { runMaintenance } from './run.ts'

/** What Lambda hands over beside the event. */
type Context = { readonly awsRequestId: string; getRemainingTimeInMillis(): number }

/** Kept free at the end of a run, for what it has in hand. */
const reserveMs = 15_000

/**
 * The function that a schedule starts. `openCore` is called once a process; where it fails, the next run calls it again. Rejects
 * where the run failed, or a group in it: Lambda counts that, and the alarm is raised by it.
 */
export function maintenanceHandler(openCore: () => Promise<Core>): (event: unknown, context: Context) => Promise<void> {
  let opening: Promise<Core> | undefined
  const open = (): Promise<Core> => {
    opening ??= openCore().catch((error) => {
      opening = undefined
      throw error
    })
    return opening
  }
  return async (_event, context) => {
    const core = await open()
    const budgetMs = Math.max(0, context.getRemainingTimeInMillis() - reserveMs)
    await runMaintenance(core, { budgetMs }, context.awsRequestId)
  }
}
