import { randomBytes, randomInt } from 'node:crypto'
import type { Clock, Random } from './clock.ts'

/** The machine's own clock. The one place that reads it. */
export const systemClock: Clock = {
  now: () => Date.now(),
  uptime: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal?.addEventListener('abort', done)
    }),
}

/** The machine's own randomness. */
export const systemRandom: Random = {
  bytes: (count) => new Uint8Array(randomBytes(count)),
  below: (bound) => randomInt(bound),
}
