/**
 * Several refs, one head, ONE update: all of them or none (docs/decisions/0014). Sent again with the identical refs while the
 * store is in trouble; where the head refuses them together, each is settled by itself, under the name that it has.
 */
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import type { Verdict } from './append-ref.ts'
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

/**
 * `appended`: all of them, each at its base offset. `refused`: the head does not take them together, and each has to be settled by
 * itself, under the name that it has; `onItsWay`: an update that brings all of them was sent, and may still come. `failed`: nothing
 * was appended, and trying again does not help.
 */
export type Together =
  | { readonly verdict: 'appended'; readonly each: readonly Each[] }
  | { readonly verdict: 'refused'; readonly onItsWay?: StoreError | undefined }
  | Extract<Verdict, { verdict: 'not-applied' | 'unknown' }>

/**
 * How many refs one update may bring: the conditions of each take up to 230 characters of an expression and 20 operators, and
 * DynamoDB takes 4 KB and 300 of them.
 */
export const refsAtOnceMax = 14

/**
 * At most `refsAtOnceMax`; those of one producer go on from each other.
 * @throws StoreError trying again does not help; nothing was appended.
 */
export async function appendRefs(
  core: Core,
  id: LedPartition,
  appended: readonly NewRef[],
  deadlineMs: number,
): Promise<Together> {
  const update = appendUpdate(appended, core.clock.now(), id.leaderEpoch)
  let ambiguous: StoreError | undefined
  for (let attempt = 0; ; attempt++) {
    let trouble: StoreError
    try {
      const written = await core.items.update(headKey(id), update)
      const head = written.item && readHead(id, written.item)
      if (!written.applied || !head) {
        // An earlier copy whose answer was lost brought them all, or none.
        const each = head && inTail(head, appended)
        return each ? { verdict: 'appended', each } : { verdict: 'refused', onItsWay: ambiguous }
      }
      sawStamp(core, newestStamp(head))
      if (appended.some(({ ref }) => ref.producer)) sawProducers(core, id, head)
      return { verdict: 'appended', each: oneAfterTheOther(head, appended) }
    } catch (error) {
      if (!(error instanceof StoreError && error.retriable)) {
        if (ambiguous) return { verdict: 'unknown', cause: error }
        throw error
      }
      if (error.trouble === 'unknown-outcome') ambiguous = error
      trouble = error
    }
    if (core.clock.uptime() >= deadlineMs) {
      return ambiguous ? { verdict: 'unknown', cause: ambiguous } : { verdict: 'not-applied', cause: trouble }
    }
    await pause(core, attempt)
  }
}

type Each = Extract<Verdict, { verdict: 'appended' }>

/** The refs stand at the head's end, as they were sent. */
function oneAfterTheOther(head: Head, appended: readonly NewRef[]): Each[] {
  let baseOffset = head.next - recordsIn(appended.map(({ ref }) => ref))
  return appended.map(({ ref, absence }) => {
    const verdict: Each = { verdict: 'appended', baseOffset, head, joined: absence !== undefined }
    baseOffset += ref.count
    return verdict
  })
}

function inTail(head: Head, appended: readonly NewRef[]): Each[] | undefined {
  const found: Each[] = []
  for (const { ref } of appended) {
    const baseOffset = offsetInTail(head, ref)
    if (baseOffset === undefined) return undefined
    found.push({ verdict: 'appended', baseOffset, head })
  }
  return found
}
