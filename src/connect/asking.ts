/** Asking the far end: again where that is safe, never where it is not. */
import type { Clock } from '../runtime/clock.ts'
import { type FarAnswer, type FarEnd, FarEndError } from './far-end.ts'

export type Asking = {
  /** `isSafe`: being done twice does no harm, so that a call of unknown outcome may be sent again. Rejects with FarEndError. */
  ask(frame: Uint8Array, isSafe: boolean, signal?: AbortSignal): Promise<FarAnswer>
}

const triesMax = 5
const firstPauseMs = 100
const longestPauseMs = 2_000

export function asking(farEnd: FarEnd, clock: Clock): Asking {
  return {
    async ask(frame, isSafe, signal) {
      let pauseMs = firstPauseMs
      for (let tries = 1; ; tries++) {
        try {
          return await farEnd.send(frame, signal)
        } catch (error) {
          const mayAgain =
            error instanceof FarEndError &&
            (error.trouble === 'not-done' || (isSafe && error.trouble === 'unknown')) &&
            tries < triesMax
          if (!mayAgain || signal?.aborted) throw error
          await clock.sleep(pauseMs, signal)
          pauseMs = Math.min(longestPauseMs, pauseMs * 2)
        }
      }
    },
  }
}
