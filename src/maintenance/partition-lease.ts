/**
 * The lease under which a partition's index is changed: it saves double work, and its epoch is what a later holder fences by. It does
 * so twice: no entry is swapped under an older epoch than the lease's, and of the head's bytes nothing is taken off for what was
 * seen of the entries under an older one than the head's.
 */
import { type Busy, type Held, handOver, newWatch, take, type Watch } from '../cluster/lease.ts'
import { claimCount, type Head, readHead } from '../log/head.ts'
import { headKey, leaseKey, type PartitionId, partitionText } from '../log/keys.ts'
import { untilDeadline } from '../log/retry.ts'
import type { Core } from '../runtime/core.ts'
import type { Memory } from '../runtime/memory.ts'
import { StoreError } from '../store/errors.ts'
import { type Action, equals } from '../store/items.ts'

const leaseMs = 30_000
const patienceMs = 20_000
/** A process that sees a lease once in a while cannot watch it: one not written for this long is taken for over. Safe: see `fence`. */
const abandonedMs = 10 * 60_000

const watches = new WeakMap<Memory, { readonly watch: Watch; readonly holder: string }>()

/** What this process has seen of leases, and its name as a holder. */
function standing(core: Core) {
  const known = watches.get(core.memory)
  if (known) return known
  const made = { watch: newWatch(), holder: Buffer.from(core.random.bytes(12)).toString('hex') }
  watches.set(core.memory, made)
  return made
}

const resourceOf = (id: PartitionId): string => `p/${partitionText(id)}`

/** Of a partition that is gone for good: whoever still thinks that it holds the lease can change nothing any more. */
export const dropLease = (core: Core, id: PartitionId) => core.items.delete(leaseKey(resourceOf(id)))

/** `undefined`: another is at work there. @throws StoreError */
export async function takePartition(core: Core, id: PartitionId): Promise<Held | undefined> {
  const { watch, holder } = standing(core)
  const claim = { resource: resourceOf(id), holder, leaseMs }
  const taken = await take(core, watch, claim)
  if (!isBusy(taken)) return taken
  const { busy } = taken
  if (Math.abs(core.clock.now() - busy.writtenMs) < abandonedMs) return undefined
  watch.set(claim.resource, { epoch: busy.epoch, beat: busy.beat, sinceMs: core.clock.uptime() - busy.leaseMs })
  const again = await take(core, watch, claim)
  return isBusy(again) ? undefined : again
}

const isBusy = (taken: Held | Busy): taken is Busy => 'busy' in taken

/** True until somebody else takes the lease: part of every transaction that changes what the index holds. */
export const fence = ({ resource, epoch }: Held): Action => ({ check: leaseKey(resource), if: equals('epoch', epoch) })

/**
 * The head, whose count of bytes nobody changes any more who works in an older epoch of the lease. `undefined`: a later one has claimed
 * it, or there is no head. @throws StoreError
 */
export async function claimHead(core: Core, id: PartitionId, { epoch }: Held): Promise<Head | undefined> {
  const deadlineMs = core.clock.uptime() + patienceMs
  const claim = () => core.items.update(headKey(id), claimCount(epoch))
  const { applied, item } = await untilDeadline(core, deadlineMs, claim)
  return applied && item ? readHead(id, item) : undefined
}

/** Trouble of the store only makes the next one wait. */
export async function leavePartition(core: Core, lease: Held): Promise<void> {
  try {
    await handOver(core, lease)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}
