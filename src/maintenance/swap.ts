/**
 * Putting a segment into the index in the place of what it was made of: one transaction, true only while the lease's epoch and
 * exactly these sources still stand. Never on the head: a transaction there would make every append that meets it fail.
 */
import type { Held } from '../cluster/lease.ts'
import { readEntryRow } from '../log/entry.ts'
import { type PartitionId, segmentKey } from '../log/keys.ts'
import { sameBytes } from '../log/ref.ts'
import { untilDeadline } from '../log/retry.ts'
import type { Segment } from '../log/segment.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import type { Action } from '../store/items.ts'
import { fence } from './partition-lease.ts'

const patienceMs = 20_000

/**
 * `false`: another was faster, or took the lease over; the segment's object is nobody's then, and left to the sweep.
 * @throws StoreError; the swap may or may not have been made, or may be yet: whoever looks next sees.
 */
export async function swap(
  core: Core,
  id: PartitionId,
  lease: Held,
  segment: Segment,
  actions: readonly Action[],
): Promise<boolean> {
  const deadlineMs = core.clock.uptime() + patienceMs
  let done: boolean
  try {
    done = (await untilDeadline(core, deadlineMs, () => core.items.transact([fence(lease), ...actions]))).applied
  } catch (error) {
    if (!(error instanceof StoreError && error.trouble === 'unknown-outcome')) throw error
    done = false
    if (!(await stands(core, id, segment))) throw error
  }
  // A lost answer asked for again finds its own success as a conflict.
  return done || stands(core, id, segment)
}

/** Whether this very segment is in the index. @throws StoreError */
export async function stands(core: Core, id: PartitionId, { base, object }: Segment): Promise<boolean> {
  const key = segmentKey(id, base)
  const item = await core.items.get(key)
  const entry = item && readEntryRow(id, { sk: key.sk, item })
  return entry !== undefined && 'object' in entry && sameBytes(entry.object, object)
}
