import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'

const firstPauseMs = 10
const longestPauseMs = 1_000

/** A growing pause with full jitter, so that writers refused together do not come back together. */
export const pause = (core: Core, attempt: number): Promise<void> =>
  core.clock.sleep(1 + core.random.below(Math.min(longestPauseMs, firstPauseMs * 2 ** attempt)))

/**
 * Calls again while the store is in trouble that may pass, until the deadline. Only for calls that may be repeated: reads, and
 * writes under a name of their own.
 * @throws StoreError the last one; the first of unknown outcome where there was one, for nothing that came after made it known.
 */
export async function untilDeadline<T>(core: Core, deadlineMs: number, call: () => Promise<T>): Promise<T> {
  let unknown: StoreError | undefined
  for (let attempt = 0; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (error instanceof StoreError && error.trouble === 'unknown-outcome') unknown ??= error
      const again = error instanceof StoreError && error.retriable && core.clock.uptime() < deadlineMs
      if (!again) throw unknown ?? error
      await pause(core, attempt)
    }
  }
}
