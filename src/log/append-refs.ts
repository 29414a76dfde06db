/**
 * Several refs, one head, ONE update: all of them or none (docs/decisions/0014). Sent again with the identical refs while the
 * store is in trouble; where the head refuses them together, each is settled by itself, under the name that it has.
 */
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { appendRef, type Verdict } from './append-ref.ts'
import {
  appendUpdate,
  type Head,
  type LedPartition,
  type NewRef,
  newestStamp,
  offsetInTail,
  readHead,
  recordsIn,
} from './head.ts'
import { headKey } from './keys.ts'
import { sawProducers } from './producers.ts'
import { pause } from './retry.ts'
import { sawStamp } from './stamp.ts'

/** `failed`: an error that trying again does not help; nothing was appended. */
export type Settled = Verdict | { readonly verdict: 'failed'; readonly error: unknown }

/**
 * How many refs one update may bring: the conditions of each take up to 230 characters of an expression and 20 operators, and
 * DynamoDB takes 4 KB and 300 of them.
 */
export const refsAtOnceMax = 14

/** Verdicts stand in the order of the refs: at most `refsAtOnceMax`, no two of one producer. Never throws. */
export async function appendRefs(
  core: Core,
  id: LedPartition,
  appended: readonly NewRef[],
  deadlineMs: number,
): Promise<readonly Settled[]> {
  if (appended.length <= 1) return oneByOne(core, id, appended, deadlineMs)
  const update = appendUpdate(appended, core.clock.now(), id.leaderEpoch)
  const all = (verdict: Settled) => appended.map(() => verdict)
  let ambiguous: StoreError | undefined
  for (let attempt = 0; ; attempt++) {
    let trouble: StoreError
    try {
      const written = await core.items.update(headKey(id), update)
      const head = written.item && readHead(id, written.item)
      if (!written.applied || !head) {
        // An earlier copy whose answer was lost brought them all, or none.
        return inTail(head, appended) ?? oneByOne(core, id, appended, deadlineMs, ambiguous)
      }
      sawStamp(core, newestStamp(head))
      if (appended.some(({ ref }) => ref.producer)) sawProducers(core, id, head)
      return oneAfterTheOther(head, appended)
    } catch (error) {
      if (!(error instanceof StoreError && error.retriable)) {
        return all(ambiguous ? { verdict: 'unknown', cause: error } : { verdict: 'failed', error })
      }
      if (error.trouble === 'unknown-outcome') ambiguous = error
      trouble = error
    }
    if (core.clock.uptime() >= deadlineMs) {
      return all(ambiguous ? { verdict: 'unknown', cause: ambiguous } : { verdict: 'not-applied', cause: trouble })
    }
    await pause(core, attempt)
  }
}

/** The refs stand at the head's end, as they were sent. */
function oneAfterTheOther(head: Head, appended: readonly NewRef[]): Settled[] {
  let baseOffset = head.next - recordsIn(appended.map(({ ref }) => ref))
  return appended.map(({ ref, absence }) => {
    const verdict: Settled = { verdict: 'appended', baseOffset, head, joined: absence !== undefined }
    baseOffset += ref.count
    return verdict
  })
}

function inTail(head: Head | undefined, appended: readonly NewRef[]): Settled[] | undefined {
  if (!head) return undefined
  const found: Settled[] = []
  for (const { ref } of appended) {
    const baseOffset = offsetInTail(head, ref)
    if (baseOffset === undefined) return undefined
    found.push({ verdict: 'appended', baseOffset, head })
  }
  return found
}

/**
 * In their order, each under its own name. `onItsWay`: an update that brings all of them may still come and bring them all, so
 * that no ref's refusal is a promise (`appendRef`). A ref that is in the log by then makes that update void: it holds for all.
 */
async function oneByOne(
  core: Core,
  id: LedPartition,
  appended: readonly NewRef[],
  deadlineMs: number,
  onItsWay?: StoreError,
): Promise<Settled[]> {
  const settled: Settled[] = []
  for (const { ref, absence } of appended) {
    try {
      settled.push(await appendRef(core, id, ref, deadlineMs, absence, onItsWay))
    } catch (error) {
      settled.push({ verdict: 'failed', error })
    }
  }
  return settled
}
