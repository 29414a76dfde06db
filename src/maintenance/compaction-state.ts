/**
 * How far a partition has been compacted. Written whole, as one state that was true when it was written and stays true: what a late
 * copy brings back costs work, and nothing else.
 *
 *   v  1
 *   c  cleaned: below this offset no key had two records when the last pass ended
 *   t  to: what the pass under way cleans by and up to: the records from `c` to here. Equal to `c` where only tombstones are sought
 *   a  at: below this offset the pass under way is through; where it is not less than `t` there is none
 *   h  when the last of the tombstones that have been met may go (ms), 0 where none was
 *   r  no pass begins before that time (ms): what the last one replaced is removed first; -1 while a pass is under way that
 *      could not take all there was, and is followed by another at once; -2 while one is under way that was put off for want of time
 *   o  bytes by which the log has become smaller since they were last taken off the head's count
 *   n  the number under which they are taken off: done where the head's own count of that has reached it
 *
 * `o` and `n` change in the transaction that makes the log smaller, and in no other way.
 */
import { requireFormat } from '../log/format.ts'
import { type Head, readHead, settle } from '../log/head.ts'
import { compactionKey, headKey, type PartitionId, partitionText } from '../log/keys.ts'
import { untilDeadline } from '../log/retry.ts'
import type { Core } from '../runtime/core.ts'
import { type Patch, set } from '../store/items.ts'

const stateFormat = 1
const patienceMs = 20_000
export const endsEarly = -1
export const putOff = -2

export type CompactionState = {
  readonly cleaned: number
  readonly to: number
  readonly at: number
  readonly horizonMs: number
  readonly restMs: number
}

/** What the head still counts of what is gone. */
export type Debt = { readonly bytes: number; readonly number: number }

/** @throws StoreError */
export async function readCompaction(core: Core, id: PartitionId): Promise<{ state: CompactionState; debt: Debt }> {
  const item = await core.items.get(compactionKey(id))
  if (item) requireFormat('compaction', partitionText(id), item.v, stateFormat)
  const of = (name: string) => Number(item?.[name] ?? 0)
  return {
    state: { cleaned: of('c'), to: of('t'), at: of('a'), horizonMs: of('h'), restMs: of('r') },
    debt: { bytes: of('o'), number: of('n') },
  }
}

export const statePatches = ({ cleaned, to, at, horizonMs, restMs }: CompactionState, debt?: Debt): Patch[] => [
  set('v', stateFormat),
  set('c', cleaned),
  set('t', to),
  set('a', at),
  set('h', horizonMs),
  set('r', restMs),
  ...(debt ? [set('o', debt.bytes), set('n', debt.number)] : []),
]

/** @throws StoreError */
export async function saveCompaction(core: Core, id: PartitionId, state: CompactionState): Promise<void> {
  await core.items.update(compactionKey(id), { patches: statePatches(state) })
}

/**
 * The head when what compaction owes it is taken off its count: whoever freed it may have died before. `undefined` where a later epoch
 * has claimed the count. @throws StoreError; may be called again
 */
export async function settled(core: Core, id: PartitionId, epoch: number, head: Head): Promise<Head | undefined> {
  const { debt } = await readCompaction(core, id)
  return debt.number > head.settlements ? settleDebt(core, id, epoch, debt) : head
}

/**
 * Takes what is owed off the head's count, unless that has been done, and gives the head as it is then; `undefined` where a later epoch
 * has claimed the count. @throws StoreError; may be called again
 */
export async function settleDebt(core: Core, id: PartitionId, epoch: number, debt: Debt): Promise<Head | undefined> {
  const deadlineMs = core.clock.uptime() + patienceMs
  const { applied, item } = await untilDeadline(core, deadlineMs, () =>
    core.items.update(headKey(id), settle(epoch, debt.number, debt.bytes)),
  )
  if (!item) return undefined
  const head = readHead(id, item)
  if (applied || head.settlements >= debt.number) return head
  if (head.workEpoch > epoch) return undefined
  throw new Error(`${partitionText(id)} has settled ${head.settlements} times, and ${debt.number} is to come`)
}
