/**
 * The head of a partition: the one item that every append updates, kept under 1 KB (one write unit) in steady state.
 *
 *   v  format      n  next offset        s  log start offset     b  bytes of all batches in the log
 *   t  tail: packed refs, oldest first   o  base offset of the tail's first ref
 *   f  fingerprints of the refs dropped last     h  horizon: the greatest stamp forgotten altogether
 *   m  greatest timestamp among dropped refs     c  config version
 *   e  the greatest leader epoch that appended: only brokers' appends raise it, and hold to it (docs/decisions/0013)
 *   p<producer id>  where an idempotent producer stands that was active lately (producer-state.ts)
 *   q  how often producers have been spilled; absent before the first time
 *   k  offset below which retention has taken all bytes off b; absent before the first time
 *   w  the greatest epoch of the maintenance lease in which the count of bytes was claimed; absent before the first time
 *   z  how often compaction has taken bytes off b; absent before the first time
 */

import type { Condition, Item, Patch, Update, Value } from '../store/items.ts'
import {
  absent,
  add,
  all,
  any,
  append,
  compare,
  contains,
  equals,
  not,
  remove,
  set,
  shorterThan,
} from '../store/items.ts'
import { requireFormat } from './format.ts'
import { headKey, type PartitionId } from './keys.ts'
import {
  type Absence,
  comesNext,
  isProducerAttribute,
  lastSequenceOf,
  packProducer,
  producerAttribute,
} from './producer-state.ts'
import { fingerprint, fingerprintStamp, packedStamp, packRef, type Ref, sameBytes, unpackRef } from './ref.ts'
import { type Stamp, stampDistanceMs } from './stamp.ts'

const headFormat = 1

/** Appends beyond this many refs in the tail are refused (503) until it has been spilled. */
export const tailRefsMax = 100
/** One write unit: what the head may take in steady state, in DynamoDB's count. */
const headBytesMax = 1_024
/** What the key and everything but tail and fingerprints take: at most, with numbers of 16 digits. */
const headFixedBytes = 113
/** What producers leave of the last unit to everything else, at least: an append of a tiny record spills every other time. */
const besideProducersBytes = 800
/** How many dropped refs the head still recognises: those of the last moments, at least and at most so many. */
const fingerprintsMin = 8
export const fingerprintsMax = 40
/** Appends in flight for longer than this may have to be sent again. */
const recentMs = 20
const fingerprintBytes = 10
/** What of the tail stays when it is spilled: one ref, or a few small ones. */
const keptBytesMax = 150

export type Head = {
  readonly next: number
  readonly start: number
  readonly bytes: number
  /** Unpacked by `tailRefs` where they are needed: an append needs none of them. */
  readonly packedTail: readonly Uint8Array[]
  readonly tailStart: number
  readonly fingerprints: readonly Uint8Array[]
  readonly horizon: Stamp
  /** Greatest timestamp among the refs that have left the tail; -1 before the first. */
  readonly droppedTimestampMs: number
  readonly configVersion: number
  readonly epoch: number
  /** The packed states of the producers active lately, by attribute. */
  readonly producers: ReadonlyMap<string, Uint8Array>
  /** How often producers have been spilled. */
  readonly spills: number
  /** What lies below has no part in `bytes` any more: entries that end here or before only wait to be removed. */
  readonly retired: number
  /** Who counts bytes by what it saw of the index in an older epoch of the lease does so no more. */
  readonly workEpoch: number
  /** How often compaction has taken off `bytes`. */
  readonly settlements: number
}

/** Creates the head of an empty partition. Only topic creation does. */
export const newHead = (configVersion: number): Update => ({
  patches: [
    set('v', headFormat),
    set('n', 0),
    set('s', 0),
    set('b', 0),
    set('t', []),
    set('o', 0),
    set('f', []),
    set('h', 0),
    set('m', -1),
    set('c', configVersion),
    set('e', 0),
  ],
  if: absent('v'),
})

/**
 * Tells everybody who caches the topic that it has changed: whoever appends to this head or reads it looks at the topic again.
 * Never lowers the version, never makes a head.
 */
export const raiseConfigVersion = (configVersion: number): Update => ({
  patches: [set('c', configVersion)],
  if: all(equals('v', headFormat), compare('c', '<', configVersion)),
})

/** Moves the log's start forward: never back, never beyond its end; `configVersion`: only where it holds. */
export const moveStart = (start: number, configVersion?: number): Update => ({
  patches: [set('s', start)],
  if: all(
    equals('v', headFormat),
    compare('s', '<', start),
    compare('n', '>=', start),
    ...(configVersion === undefined ? [] : [equals('c', configVersion)]),
  ),
})

/**
 * Forgets all stamps up to this one: no append that carries one applies any more, however late it comes. Never lowers the horizon,
 * never makes a head.
 */
export const raiseHorizon = (stamp: Stamp): Update => ({
  patches: [set('h', stamp)],
  if: all(equals('v', headFormat), compare('h', '<', stamp)),
})

/**
 * Takes off `bytes`, which are all that lies below `to` and was still counted, and begins the log at `start`: at once for everybody, and
 * once only, for it holds for the start, the count and the configs that were seen, and while nobody has claimed the count in a later
 * epoch of the lease: whoever did makes other entries of what was seen here.
 */
export function retire(
  seen: Head,
  { start, to, bytes }: { start: number; to: number; bytes: number },
  epoch: number,
): Update {
  const unchanged = seen.retired === 0 ? any(absent('k'), equals('k', 0)) : equals('k', seen.retired)
  return {
    patches: [set('s', start), set('k', to), add('b', -bytes)],
    if: all(
      equals('v', headFormat),
      unchanged,
      equals('s', seen.start),
      compare('n', '>=', start),
      equals('c', seen.configVersion),
      equals('w', epoch),
    ),
  }
}

/** From now on nobody who works in an older epoch of the lease changes the count of bytes. */
export const claimCount = (epoch: number): Update => ({
  patches: [set('w', epoch)],
  if: all(equals('v', headFormat), any(absent('w'), compare('w', '<=', epoch))),
})

/** Takes off what compaction has made the log smaller by: once, for each has its number, and only by who has claimed the count last. */
export const settle = (epoch: number, number: number, bytes: number): Update => ({
  patches: [add('b', -bytes), set('z', number)],
  if: all(
    equals('v', headFormat),
    equals('w', epoch),
    number === 1 ? any(absent('z'), equals('z', 0)) : equals('z', number - 1),
  ),
})

/** @throws StoreError `misconfigured`: a format that this version does not know. */
export function readHead(id: PartitionId, item: Item): Head {
  requireFormat('partition head', headKey(id).pk, item.v, headFormat)
  return {
    next: Number(item.n),
    start: Number(item.s),
    bytes: Number(item.b),
    packedTail: binaries(item.t),
    tailStart: Number(item.o),
    fingerprints: binaries(item.f),
    horizon: Number(item.h),
    droppedTimestampMs: Number(item.m),
    configVersion: Number(item.c),
    epoch: Number(item.e),
    producers: producersIn(item),
    spills: Number(item.q ?? 0),
    retired: Number(item.k ?? 0),
    workEpoch: Number(item.w ?? 0),
    settlements: Number(item.z ?? 0),
  }
}

function producersIn(item: Item): ReadonlyMap<string, Uint8Array> {
  const producers = new Map<string, Uint8Array>()
  for (const name in item) {
    const value = isProducerAttribute(name) ? item[name] : undefined
    if (value instanceof Uint8Array) producers.set(name, value)
  }
  return producers
}

export const tailRefs = (head: Head): Ref[] => head.packedTail.map(unpackRef)

/** A partition, and the epoch in which the broker that appends leads it; undefined: a door that leads nothing. */
export type LedPartition = PartitionId & { readonly leaderEpoch?: number }

/** A ref about to be appended, and what is known of its producer where the head does not hold it. */
export type NewRef = { readonly ref: Ref; readonly absence?: Absence | undefined }

/**
 * The one update that makes an append true: it may be sent any number of times and applies once. Records of an idempotent producer
 * apply only where they come next, or where the head does not hold the producer and nothing changed since `absence` was known.
 * Of several refs all apply or none, one after the other; those of one producer go on from each other. With a leader epoch they
 * apply only where no greater one has appended, and none that is less does afterwards.
 */
export function appendUpdate(appended: readonly NewRef[], nowMs: number, leaderEpoch?: number): Update {
  const refs = appended.map(({ ref }) => ref)
  const packed = refs.map(packRef)
  return {
    patches: [
      add('n', recordsIn(refs)),
      add(
        'b',
        refs.reduce((sum, { length }) => sum + length, 0),
      ),
      append('t', ...packed),
      ...lastOfEach(appended).flatMap(({ ref }) => stateAfter(ref, nowMs)),
      ...(leaderEpoch === undefined ? [] : [set('e', leaderEpoch)]),
    ],
    if: all(
      equals('v', headFormat),
      ...packed.map((ref) => not(contains('t', ref))),
      ...refs.map((ref) => not(contains('f', fingerprint(ref)))),
      compare('h', '<', Math.min(...refs.map(({ stamp }) => stamp))),
      shorterThan('t', tailRefsMax - refs.length + 1),
      ...firstOfEach(appended).flatMap(({ ref: { producer }, absence }) =>
        producer ? [comesNext(producer, absence)] : [],
      ),
      ...(leaderEpoch === undefined ? [] : [compare('e', '<=', leaderEpoch)]),
      ...ttlVersions(refs).map((version) => equals('c', version)),
    ),
  }
}

/** The first ref of each producer. */
const firstOfEach = (appended: readonly NewRef[]): readonly NewRef[] => lastOfEach(appended.toReversed()).toReversed()

/** The last ref of each producer. */
const lastOfEach = (appended: readonly NewRef[]): readonly NewRef[] => [
  ...new Map(appended.map((one) => [one.ref.producer?.id, one])).values(),
]

/** The configs by which blobs were told when to go must still hold (blob-ttl.ts). */
const ttlVersions = (refs: readonly Ref[]): number[] => [
  ...new Set(refs.flatMap(({ ttlVersion }) => (ttlVersion === undefined ? [] : [ttlVersion]))),
]

function stateAfter({ producer, count }: Ref, nowMs: number): Patch[] {
  if (!producer) return []
  const state = { epoch: producer.epoch, lastSequence: lastSequenceOf(producer, count), usedMs: nowMs }
  return [set(producerAttribute(producer.id), packProducer(state))]
}

/** Producers leave the head, whose states have been written elsewhere; true only while none of them has moved on. */
export const forgetProducers = (states: ReadonlyMap<string, Uint8Array>): Update => ({
  patches: [...[...states.keys()].map(remove), add('q', 1)],
  if: all(equals('v', headFormat), ...[...states].map(([name, state]) => equals(name, state))),
})

/**
 * How many of the tail's oldest refs are to leave it: all but a few of the newest, which a reader that follows the log is most
 * likely to ask for next, and finds without a look into the index.
 */
export function refsToSpill(head: Head): number {
  let kept = 0
  let bytes = 0
  for (const packed of head.packedTail.toReversed()) {
    bytes += packed.length + 1
    if (kept > 0 && bytes > keptBytesMax) break
    kept++
  }
  return head.packedTail.length - kept
}

/** Drops the tail's first refs, which a chunk now holds; true only of the tail the caller saw, and never lowers the horizon. */
export function dropUpdate(head: Head, count: number): Update {
  const dropped = tailRefs(head).slice(0, count)
  const remembered = [...head.fingerprints, ...dropped.map(fingerprint)]
  const forgotten = remembered.slice(0, remembered.length - howManyToRemember(remembered))
  const horizon = Math.max(head.horizon, ...forgotten.map(fingerprintStamp))
  const patches: Patch[] = [
    { dropFirst: 't', count },
    set('o', head.tailStart + recordsIn(dropped)),
    set('f', remembered.slice(forgotten.length)),
    set('h', horizon),
    set('m', Math.max(head.droppedTimestampMs, ...dropped.map((ref) => ref.maxTimestampMs))),
  ]
  const unchanged: Condition = all(equals('v', headFormat), equals('o', head.tailStart), compare('h', '<=', horizon))
  return { patches, if: unchanged }
}

/** The more appends a moment, the more may be on their way while a ref leaves the head. */
function howManyToRemember(marks: readonly Uint8Array[]): number {
  const stamps = marks.map(fingerprintStamp)
  const newest = Math.max(...stamps)
  const recent = stamps.filter((stamp) => stampDistanceMs(stamp, newest) < recentMs).length
  return Math.min(marks.length, fingerprintsMax, Math.max(fingerprintsMin, recent))
}

/** Bytes by which the item exceeds its share with `more` bytes in the tail; negative while there is room. */
export function headExcess(head: Head, more: number): number {
  const producers = producersBytes(head)
  const units = Math.max(1, Math.ceil((producers + besideProducersBytes) / headBytesMax))
  const marks = head.fingerprints.length * (fingerprintBytes + 1)
  return headFixedBytes + marks + tailBytes(head.packedTail) + producers + more - units * headBytesMax
}

/** What producers take in the item, and the count of those that left: at most, with a number of 16 digits. */
export function producersBytes({ producers, spills }: Head): number {
  let bytes = spills > 0 ? 11 : 0
  for (const [name, state] of producers) bytes += name.length + state.length
  return bytes
}

/** The newest stamp this head knows of: of its last refs, for older ones are rarely newer. */
export const newestStamp = (head: Head): Stamp => Math.max(head.horizon, ...head.packedTail.slice(-3).map(packedStamp))

/** The greatest stamp that has ever left the tail, or more. */
export const droppedStamp = (head: Head): Stamp => Math.max(head.horizon, ...head.fingerprints.map(fingerprintStamp))

/** Base offset of this very ref, where the tail holds it. */
export function offsetInTail(head: Head, ref: Ref): number | undefined {
  const packed = packRef(ref)
  const at = head.packedTail.findIndex((bytes) => sameBytes(bytes, packed))
  return at < 0 ? undefined : head.tailStart + recordsIn(tailRefs(head).slice(0, at))
}

export const recordsIn = (refs: readonly Ref[]): number => refs.reduce((sum, ref) => sum + ref.count, 0)

/** What the refs take in the item: DynamoDB counts a byte more for each list element. */
const tailBytes = (packed: readonly Uint8Array[]): number => packed.reduce((sum, ref) => sum + ref.length + 1, 0)

const binaries = (value: Value | undefined): Uint8Array[] =>
  Array.isArray(value) ? value.filter((element) => element instanceof Uint8Array) : []
