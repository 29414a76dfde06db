/** A clock corrected by the stores' `Date` headers: a machine whose own is years off stamps rightly after its first answer. */
import type { Clock } from '../../runtime/clock.ts'

export type ServerTime = {
  readonly clock: Clock
  /** Tells one answer: its `Date` header, and the base clock's time when the request left and when the answer came. */
  observe(dateHeader: string | undefined, sentMs: number, receivedMs: number): void
  /** The base clock's time, for `sentMs` and `receivedMs`. */
  localNow(): number
}

/**
 * The server wrote `date` (whole seconds, cut off) between `sentMs` and `receivedMs`: its clock then stood in [date, date + 1 s).
 * So server minus local lies in (date - receivedMs, date + 1 s - sentMs]. The correction stays while it lies in there, else it
 * moves to the nearest end: a right clock is never touched, and answers of several stores do not pull it to and fro.
 */
export function correctedClock(base: Clock): ServerTime {
  let shiftMs = 0
  return {
    clock: { ...base, now: () => base.now() + shiftMs },
    localNow: () => base.now(),
    observe(dateHeader, sentMs, receivedMs) {
      const date = dateHeader === undefined ? Number.NaN : Date.parse(dateHeader)
      // A base clock that jumped back during the call tells nothing.
      if (Number.isNaN(date) || receivedMs < sentMs) return
      const least = date - receivedMs
      const most = date + 1_000 - sentMs
      // Nought first: a machine that agrees with the server keeps its own time, whatever was believed before.
      shiftMs = least <= 0 && 0 <= most ? 0 : Math.min(Math.max(shiftMs, least), most)
    },
  }
}
