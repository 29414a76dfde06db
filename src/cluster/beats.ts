import type { Core } from '../runtime/core.ts'
import { beatMsOf, type Member } from './member.ts'

export type Beats = {
  /** Something said that what is known is old: the next beat comes at once. At most as often as four times the usual. */
  soon(): void
  /** Waits for the beat under way. */
  stop(): Promise<void>
}

/** Beats for as long as the broker lives. `failed` hears of each beat that did not come off. */
export function startBeats(core: Core, member: Member, leaseMs: number, failed: (error: unknown) => void): Beats {
  const everyMs = beatMsOf(leaseMs)
  const stopping = new AbortController()
  let early = new AbortController()
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await core.clock.sleep(everyMs / 4, stopping.signal)
      await core.clock.sleep(everyMs - everyMs / 4, AbortSignal.any([stopping.signal, early.signal]))
      early = new AbortController()
      if (!stopping.signal.aborted) await member.beat().catch(failed)
    }
  })()
  return {
    soon: () => early.abort(),
    stop() {
      stopping.abort()
      return running
    },
  }
}
