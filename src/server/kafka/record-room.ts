import type { Peer } from '../../broker/caller.ts'
import type { Budget } from './budget.ts'

type Room = NonNullable<Peer['room']>

/** What any answer may have of records, when its turn comes: a batch of the usual greatest size. */
const leastBytes = 1024 * 1024
/** No answer takes more than this part of what is free: it takes many clients that do not read theirs to use it up. */
const partMost = 1 / 16

/** Room for the records of one answer, of what all share. */
export function roomOf(records: Budget): Room & { readonly heldBytes: number } {
  let held = 0
  let short = false
  return {
    get heldBytes() {
      return held
    },
    async take(wanted) {
      const bytes = Math.min(wanted, Math.max(leastBytes, Math.floor(records.free * partMost)))
      // Who waits holds nothing, or all might wait for each other.
      if (held > 0) records.hold(bytes)
      else await records.take(bytes)
      held += bytes
      short ||= bytes < wanted
      return bytes
    },
    isShort: () => short,
    clear() {
      short = false
      if (held > 0) records.release(held)
      held = 0
    },
  }
}
