/**
 * One ref, one head: the append that applies at most once, whatever is lost, repeated or late (docs/decisions/0003).
 *
 * A ref may be sent any number of times. Success is either the update's own answer, or finding the ref in the tail or in the
 * newest chunks. "Not applied" is claimed only when it is certain that no copy can ever apply.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { sawOutdated } from './blob-ttl.ts'
import { type Entry, isSegment } from './entry.ts'
import {
  appendUpdate,
  fingerprintsMax,
  type Head,
  type LedPartition,
  newestStamp,
  offsetInTail,
  readHead,
  recordsIn,
  tailRefsMax,
} from './head.ts'
import { entriesCovering, firstEntryReaching, newestEntries } from './index-search.ts'
import { headKey, type PartitionId } from './keys.ts'
import type { Absence } from './producer-state.ts'
import { judge, sawProducers } from './producers.ts'
import { fingerprint, packRef, type Ref, sameBytes } from './ref.ts'
import { pause } from './retry.ts'
import { spill } from './spill.ts'
import { type Stamp, sawStamp } from './stamp.ts'

export type Verdict =
  /**
   * `head` is the one this append made, where its own answer came back. `found`: what is known of the records, where an earlier
   * request of their producer brought them. `joined`: the producer was not in the head before.
   */
  | {
      readonly verdict: 'appended'
      readonly baseOffset: number
      readonly head: Head
      readonly found?: Pick<Ref, 'maxTimestampMs'>
      readonly joined?: boolean
    }
  /**
   * The records do not come next in their producer's sequence, or another broker has led the partition since (NOT_LEADER_OR_FOLLOWER);
   * no copy was applied, and none can be.
   */
  | { readonly verdict: 'refused'; readonly error: KafkaError }
  /**
   * The head has forgotten stamps as late as this one, or is beyond the configs that the ref went by: no copy of this ref can apply
   * any more, and none has.
   */
  | { readonly verdict: 'too-late'; readonly horizon: Stamp }
  /** There is no such partition (any more). */
  | { readonly verdict: 'no-partition' }
  /** No copy was applied, and none is on its way. */
  | { readonly verdict: 'not-applied'; readonly cause: StoreError | 'tail-full' }
  /** A copy may have been applied or may still be. */
  | { readonly verdict: 'unknown'; readonly cause: unknown }

/**
 * `known`: what is known of a producer that the head may not hold (`absenceKnown`). `onItsWay`: an update that brings this ref was
 * sent before, and what became of it is not known: a copy of it may still come.
 */
export async function appendRef(
  core: Core,
  id: LedPartition,
  ref: Ref,
  deadlineMs: number,
  known?: Absence,
  onItsWay?: StoreError,
): Promise<Verdict> {
  const nowMs = core.clock.now()
  let absence = known
  let update = appendUpdate([{ ref, absence }], nowMs, id.leaderEpoch)
  let ambiguous = onItsWay
  for (let attempt = 0; ; attempt++) {
    let trouble: StoreError | 'tail-full'
    let refused = false
    try {
      const written = await core.items.update(headKey(id), update)
      if (written.applied) {
        const head = readHead(id, written.item)
        sawStamp(core, newestStamp(head))
        if (ref.producer) sawProducers(core, id, head)
        return { verdict: 'appended', baseOffset: head.next - ref.count, head, joined: absence !== undefined }
      }
      refused = true
      const why = await whyRefused(core, id, ref, written.item && readHead(id, written.item), absence)
      if (why !== 'tail-full' && !('spills' in why)) return ambiguous && why.verdict === 'refused' ? unsure(why) : why
      trouble = 'tail-full'
      if (why !== 'tail-full') {
        absence = why
        update = appendUpdate([{ ref, absence }], nowMs, id.leaderEpoch)
        if (attempt < looksAtOnce) continue
      }
    } catch (error) {
      if (!(error instanceof StoreError && error.retriable)) {
        if (ambiguous) return { verdict: 'unknown', cause: error }
        throw error
      }
      // A refusal that could not be looked into may be this very ref's own success.
      if (refused || error.trouble === 'unknown-outcome') ambiguous = error
      trouble = error
    }
    if (core.clock.uptime() >= deadlineMs) {
      return ambiguous ? { verdict: 'unknown', cause: ambiguous } : { verdict: 'not-applied', cause: trouble }
    }
    await pause(core, attempt)
  }
}

/** How often a producer that is not in the head is tried again without a pause: each time others were spilled in between. */
const looksAtOnce = 4

const forGood = new Set(['DUPLICATE_SEQUENCE_NUMBER', 'NOT_LEADER_OR_FOLLOWER'])

/** What the first copy met, a later one may not meet any more; a sequence or an epoch that was passed is passed for good. */
const unsure = (refused: Extract<Verdict, { verdict: 'refused' }>): Verdict =>
  forGood.has(refused.error.error) ? refused : { verdict: 'unknown', cause: refused.error }

async function whyRefused(
  core: Core,
  id: LedPartition,
  ref: Ref,
  head: Head | undefined,
  known: Absence | undefined,
): Promise<Verdict | Absence | 'tail-full'> {
  if (!head) return { verdict: 'no-partition' }
  const inTail = offsetInTail(head, ref)
  if (inTail !== undefined) return { verdict: 'appended', baseOffset: inTail, head }
  // Epochs only grow: from this head on no copy can apply any more. Whether one did before is to be seen all the same.
  const fenced = id.leaderEpoch !== undefined && head.epoch > id.leaderEpoch
  // Versions of configs only grow too.
  const outdated = ref.ttlVersion !== undefined && head.configVersion > ref.ttlVersion
  if (outdated) sawOutdated(core, { id: id.topicId, configVersion: ref.ttlVersion })
  if (ref.producer) {
    sawProducers(core, id, head)
    const judgement = await judge(core, id, ref.producer, ref.count, head, known)
    if (judgement !== 'next' && !((fenced || outdated) && 'absence' in judgement)) {
      if ('absence' in judgement) return judgement.absence
      if ('error' in judgement) return { verdict: 'refused', error: judgement.error }
      return { verdict: 'appended', head, ...judgement }
    }
  }
  const mark = fingerprint(ref)
  const maybeDropped = head.horizon >= ref.stamp || head.fingerprints.some((other) => sameBytes(other, mark))
  if (!maybeDropped && fenced) return deposed(core, head)
  if (!maybeDropped && outdated) return { verdict: 'too-late', horizon: head.horizon }
  if (!maybeDropped && head.packedTail.length >= tailRefsMax) {
    // Whoever should have spilled did not live to do it.
    await spill(core, id, head)
    return 'tail-full'
  }
  const found = await findInIndex(core, id, ref, head)
  if (typeof found === 'number') return { verdict: 'appended', baseOffset: found, head }
  if (found === 'absent' && fenced) return deposed(core, head)
  if (found === 'absent' && (outdated || head.horizon >= ref.stamp))
    return { verdict: 'too-late', horizon: head.horizon }
  return { verdict: 'unknown', cause: new Error('the append has left the reach of a search, or two refs share a mark') }
}

function deposed({ memory: { epochs } }: Core, { epoch }: Head): Verdict {
  epochs.greatest = Math.max(epochs.greatest, epoch)
  const error = new KafkaError('NOT_LEADER_OR_FOLLOWER', `another broker leads this partition, in epoch ${epoch}`)
  return { verdict: 'refused', error }
}

/** How many of the newest entries are looked through before the search goes by stamp. */
const newestEntriesSought = 8
/**
 * A ref leaves the tail at the latest when the tail is full, and cannot have entered it after as many refs as the head has
 * fingerprints were dropped beyond its stamp: this many entries from the first that reaches its stamp hold it, or none does.
 */
const entriesSought = tailRefsMax + fingerprintsMax + 1

/**
 * Looks for the ref in the index. Running stamps only grow along it: an entry whose running stamp is below the ref's ends the
 * search, for neither it nor any before it can hold the ref. `unknown` where the index has lost what would prove its absence: a
 * rolled segment no longer tells refs from one another.
 */
async function findInIndex(core: Core, id: PartitionId, ref: Ref, head: Head): Promise<number | 'absent' | 'unknown'> {
  if (head.tailStart === 0) return 'absent'
  const newest = await newestEntries(core, id, newestEntriesSought)
  const first = newest[0]
  // What left the tail stands in the index before it leaves; less means that it was rolled or removed since.
  if (!first || first.end < head.tailStart) return 'unknown'
  const among = offsetAmong(newest, ref)
  if (among !== undefined) return among
  const oldest = newest.at(-1)
  if (!isGapless(newest)) return 'unknown'
  const older = newest.findIndex((entry) => entry.runningStamp < ref.stamp)
  if (newest.slice(0, older < 0 ? newest.length : older).some(isSegment)) return 'unknown'
  if (!oldest || oldest.base === 0 || older >= 0) return 'absent'

  const from = await firstEntryReaching(core, id, {
    from: head.start,
    to: first.end,
    running: (entry) => entry.runningStamp,
    target: ref.stamp,
    greatest: first.runningStamp,
  })
  if (!from) return 'unknown'
  const reaching = await entriesCovering(core, id, from.base, entriesSought)
  const found = offsetAmong(reaching, ref)
  if (found !== undefined) return found
  if (reaching.some(isSegment)) return 'unknown'
  const before = from.base === 0 || (await entriesCovering(core, id, from.base - 1, 0)).length > 0
  const complete = reaching.length > entriesSought || reaching.at(-1)?.end === first.end
  return before && complete ? 'absent' : 'unknown'
}

function offsetAmong(entries: readonly Entry[], ref: Ref): number | undefined {
  const packed = packRef(ref)
  for (const entry of entries) {
    if (isSegment(entry)) continue
    const at = entry.refs.findIndex((other) => sameBytes(packRef(other), packed))
    if (at >= 0) return entry.base + recordsIn(entry.refs.slice(0, at))
  }
  return undefined
}

/** Newest first: each begins where the next one ends. */
const isGapless = (entries: readonly Entry[]): boolean =>
  entries.every((entry, at) => entries[at + 1] === undefined || entries[at + 1]?.end === entry.base)
