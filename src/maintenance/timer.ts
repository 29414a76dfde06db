import type { Core } from '../runtime/core.ts'
import { roundsMost, runMaintenance } from './run.ts'

const budgetMs = 60_000

export type MaintenanceTimer = {
  /** Starts no further run, and waits for the one under way to put down what it has in hand. */
  stop(): Promise<void>
}

/**
 * In the place of the schedule, in a server or a broker: a run every `everyMs` and others right behind it while there is more to do,
 * never two at once. Several processes over one table share the work by the partitions' leases.
 */
export function startTimer(core: Core, everyMs: number, failed: (error: unknown) => void): MaintenanceTimer {
  const stopping = new AbortController()
  const { signal } = stopping
  const running = (async () => {
    for (;;) {
      await core.clock.sleep(everyMs, signal)
      if (signal.aborted) return
      try {
        await tick(core, signal, failed)
      } catch (error) {
        failed(error)
      }
    }
  })()
  return {
    stop() {
      stopping.abort()
      return running
    },
  }
}

async function tick(core: Core, signal: AbortSignal, failed: (error: unknown) => void): Promise<void> {
  for (let round = 0; round < roundsMost; round++) {
    const { more, error } = await runMaintenance(core, { budgetMs, signal })
    if (error !== undefined) failed(error)
    if (!more || signal.aborted) return
  }
}
