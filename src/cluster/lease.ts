/**
 * Leases: who may think that it is alone at something. A lease saves work and spreads it; nothing's safety rests on one, for its
 * holder may freeze at any instruction and wake up after another has taken over.
 *
 * No clock is compared with another's. The holder writes a new `beat` now and then; whoever wants the lease watches the item, and
 * calls it over when it saw no change for `ms` by its own uptime (Gray and Cheriton, "Leases", 1989). The holder trusts it from when it
 * sent its last beat, which is before anybody can have seen it, and for somewhat less.
 *
 *   v       1
 *   holder  who holds it: a text that no two lives of a process share; absent while it is free
 *   epoch   how often it was taken; only grows
 *   beat    changes with every write, only grows: an item of one epoch and beat is one state
 *   ms      for how long an unchanged item means a living holder
 *   atMs    when the holder wrote, by its clock: for people, never compared
 *   data    what the holder says of itself
 *
 * Items are never removed, so that epochs grow for as long as the table lives.
 */
import { requireFormat } from '../log/format.ts'
import { leaseKey } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import type { Condition, Item, Update, Value } from '../store/items.ts'
import { absent, add, all, equals, remove, set } from '../store/items.ts'

const leaseFormat = 1

/** A holder stops trusting its lease this part of its time early: two machines' seconds may differ by that much. */
const marginPart = 0.1

/** A lease as it was read. `holder` undefined: it is free. */
export type Lease = {
  readonly holder: string | undefined
  readonly epoch: number
  readonly beat: number
  readonly leaseMs: number
  /** When the holder last wrote, by the holder's clock: to be shown, not to be compared. */
  readonly writtenMs: number
  readonly data: Value
}

/** A lease that this process holds, or held. A value: each renewal gives a new one. */
export type Held = {
  readonly resource: string
  readonly holder: string
  readonly epoch: number
  readonly beat: number
  readonly leaseMs: number
  readonly data: Value
  /** By `clock.uptime()`. Nobody who keeps to the rules takes the lease over before. */
  readonly trustedUntilMs: number
}

export type Claim = {
  readonly resource: string
  /** A text that this holder shares with nobody, nor with an earlier life of its process: of random bytes, not a host name. */
  readonly holder: string
  readonly leaseMs: number
  readonly data?: Value
}

/** Another holds it; `overInMs` from now it is over if it does not change (0 never). Watch it again then. */
export type Busy = { readonly busy: Lease; readonly overInMs: number }

/** What a process has seen of others' leases, by resource: since when nothing changed. May be forgotten: it only costs time. */
export type Watch = Map<string, { readonly epoch: number; readonly beat: number; readonly sinceMs: number }>

export const newWatch = (): Watch => new Map()

/** Bounds what a process remembers of leases it tried for. */
const watchedMax = 20_000

/** Whether the holder may still act as if it were alone. By its own uptime, at each use: a timer would sleep when the process does. */
export const isTrusted = (core: Core, held: Held): boolean => core.clock.uptime() < held.trustedUntilMs

/** Reads a lease. Undefined where it was never taken. @throws StoreError */
export async function readLease(core: Core, resource: string): Promise<Lease | undefined> {
  const item = await core.items.get(leaseKey(resource))
  return item && leaseOf(resource, item)
}

/** @throws StoreError `misconfigured` where a newer Millrace wrote it. */
export function leaseOf(resource: string, item: Item): Lease {
  requireFormat('lease', resource, item.v, leaseFormat)
  return {
    holder: typeof item.holder === 'string' ? item.holder : undefined,
    epoch: Number(item.epoch),
    beat: Number(item.beat),
    leaseMs: Number(item.ms),
    writtenMs: Number(item.atMs),
    data: item.data ?? null,
  }
}

/**
 * Tells for how long a lease still counts as held, 0 where it is free or over, and remembers what was seen. A lease first seen now
 * has all its time before it, whoever wrote it when.
 * @param askedMs uptime when the read was sent: an unchanged item was unchanged at least until then
 * @param answeredMs uptime when its answer came: a changed item had changed by then
 */
export function watchLease(watch: Watch, resource: string, lease: Lease, askedMs: number, answeredMs: number): number {
  if (lease.holder === undefined) {
    watch.delete(resource)
    return 0
  }
  const seen = watch.get(resource)
  if (seen?.epoch === lease.epoch && seen.beat === lease.beat) {
    return Math.max(0, seen.sinceMs + lease.leaseMs - askedMs)
  }
  if (watch.size >= watchedMax) watch.clear()
  watch.set(resource, { epoch: lease.epoch, beat: lease.beat, sinceMs: answeredMs })
  return lease.leaseMs
}

/** Reads a lease and watches it. @throws StoreError */
export async function observe(core: Core, watch: Watch, resource: string): Promise<Busy | 'free'> {
  const askedMs = core.clock.uptime()
  const lease = await readLease(core, resource)
  if (!lease) return 'free'
  const overInMs = watchLease(watch, resource, lease, askedMs, core.clock.uptime())
  return overInMs > 0 ? { busy: lease, overInMs } : 'free'
}

/**
 * Takes a lease that is free, or over as this process saw it, or this holder's own already. Two that try at once: one gets it.
 * One read and one write; where it is busy, the read alone.
 * @throws StoreError; the lease may then be taken or not, and the same claim finds out.
 */
export async function take(core: Core, watch: Watch, claim: Claim): Promise<Held | Busy> {
  const { resource, holder, leaseMs, data = null } = claim
  const askedMs = core.clock.uptime()
  const lease = await readLease(core, resource)
  const answeredMs = core.clock.uptime()
  // This holder's own is a take whose answer was lost: taken again, so that no late copy of what it sent before fits any more.
  const overInMs = lease && lease.holder !== holder ? watchLease(watch, resource, lease, askedMs, answeredMs) : 0
  if (lease && overInMs > 0) return { busy: lease, overInMs }
  const taken = { resource, holder, epoch: (lease?.epoch ?? 0) + 1, beat: (lease?.beat ?? 0) + 1, leaseMs, data }
  const sentMs = core.clock.uptime()
  const written = await core.items.update(leaseKey(resource), writeOf(core, taken, lease))
  if (written.applied) {
    watch.delete(resource)
    return { ...taken, trustedUntilMs: trustedUntil(sentMs, leaseMs) }
  }
  // Somebody else was faster, or this very write was, in an earlier copy.
  const now = written.item ? leaseOf(resource, written.item) : undefined
  if (!now || now.holder === undefined || now.holder === holder) return take(core, watch, claim)
  return { busy: now, overInMs: watchLease(watch, resource, now, sentMs, core.clock.uptime()) }
}

/** A renewal is sent so often where its own earlier copies get in its way. */
const copiesMax = 3

/**
 * Writes the next beat. Undefined: the lease is another's by now, or was handed over; it may be taken anew. One write; where an
 * earlier renewal's answer was lost, one more.
 * @throws StoreError; then nothing is known, `held` stays as trusted as it was, and may be renewed again.
 */
export async function renew(core: Core, held: Held): Promise<Held | undefined> {
  let last = held
  for (let copy = 1; ; copy++) {
    const next = { ...last, beat: last.beat + 1 }
    const sentMs = core.clock.uptime()
    try {
      const written = await core.items.update(leaseKey(held.resource), writeOf(core, next, last))
      if (written.applied) return { ...next, trustedUntilMs: trustedUntil(sentMs, held.leaseMs) }
      const now = written.item && leaseOf(held.resource, written.item)
      if (now?.holder !== held.holder || now.epoch !== held.epoch) return undefined
      // A renewal of ours whose answer was lost. When it was written nobody knows: only a new one counts.
      last = { ...last, beat: now.beat }
      if (copy >= copiesMax) throw new StoreError('unknown-outcome', `the lease ${held.resource} does not stand still`)
    } catch (error) {
      const unanswered = error instanceof StoreError && error.trouble === 'unknown-outcome'
      if (!unanswered || copy >= copiesMax) throw error
    }
  }
}

/**
 * Gives the lease up: the next who asks has it at once. What it protected must have ended before. One that is another's by now stays so.
 * @throws StoreError; the lease is then over in its time.
 */
export async function handOver(core: Core, held: Held): Promise<void> {
  await core.items.update(leaseKey(held.resource), {
    // The beat, too: a late copy of a renewal must not fit.
    patches: [remove('holder'), add('beat', 1), set('atMs', core.clock.now())],
    if: all(equals('v', leaseFormat), equals('holder', held.holder), equals('epoch', held.epoch)),
  })
}

/** Frees a lease that this process saw run out, for those who have not watched it for so long. Its holder finds it lost. @throws StoreError */
export async function freeOver(core: Core, resource: string, seen: Lease): Promise<void> {
  await core.items.update(leaseKey(resource), {
    patches: [remove('holder'), add('beat', 1)],
    if: all(equals('v', leaseFormat), equals('epoch', seen.epoch), equals('beat', seen.beat)),
  })
}

const trustedUntil = (sentMs: number, leaseMs: number): number => sentMs + leaseMs * (1 - marginPart)

type State = Pick<Lease, 'epoch' | 'beat'>

/** True only over the state that was seen: a copy that comes late meets another beat. */
function writeOf(core: Core, next: Omit<Held, 'trustedUntilMs'>, seen: State | undefined): Update {
  const unchanged: Condition = seen
    ? all(equals('v', leaseFormat), equals('epoch', seen.epoch), equals('beat', seen.beat))
    : absent('v')
  return {
    patches: [
      set('v', leaseFormat),
      set('holder', next.holder),
      set('epoch', next.epoch),
      set('beat', next.beat),
      set('ms', next.leaseMs),
      set('atMs', core.clock.now()),
      set('data', next.data),
    ],
    if: unchanged,
  }
}
