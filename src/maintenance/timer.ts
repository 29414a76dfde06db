import type { Core } from '../runtime/core.ts'
import { runMaintenance } from './run.ts'

const budgetMs = 60_000

export type MaintenanceTimer = {
  /** Starts no further run, and waits for the one under way to put down what it has in hand. */
  stop(): Promise<void>
}

/** In the place of the schedule, where one process is all there is: a run every `everyMs`, never two at once. */
export function startTimer(core: Core, everyMs: number, failed: (error: unknown) => void): MaintenanceTimer {
  const stopping = new AbortController()
  const { signal } = stopping
  const running = (async () => {
    for (;;) {
      await core.clock.sleep(everyMs, signal)
      if (signal.aborted) return
      await runMaintenance(core, { budgetMs, signal }).catch(failed)
    }
  })()
  return {
    stop() {
      stopping.abort()
      return running
    },
  }
}
