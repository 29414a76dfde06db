/**
 * Spilling producers: those that have been idle leave the head, and the longest idle ones where there are too many. Two steps, as
 * with refs: first each state is written into an item of its own, then they are dropped from the head, on condition that each
 * still stands there, and the count of spills grows. Whoever dies in between has changed nothing.
 */
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { forgetProducers, type Head, producersBytes, readHead } from './head.ts'
import { headKey, type PartitionId, spilledProducerKey } from './keys.ts'
import { producerOfAttribute, producerText, unpackProducer } from './producer-state.ts'
import { sawProducers } from './producers.ts'
import { sameBytes } from './ref.ts'
import { writeSpilled } from './spilled-producers.ts'

/** What producers may take of the head: some 250 of them. Beyond, whoever comes makes others leave. */
const producersBytesMax = 3_400
/** Longer than clients go on sending a record again (Java's and librdkafka's `delivery.timeout.ms` is 2 and 5 minutes). */
const idleMsMax = 10 * 60_000
/** Of one spill, or as many as have just come: they are written side by side. */
const leavingMin = 16
const triesMax = 3

export const tooManyProducers = (head: Head): boolean => producersBytes(head) > producersBytesMax

/** `joined`: how many have just come. Trouble of the store is left to the next spiller: the append that came before is true already. */
export async function spillProducers(core: Core, id: PartitionId, head: Head, joined = 0): Promise<void> {
  const leaving = toLeave(head, core.clock.now(), Math.max(leavingMin, joined))
  if (leaving.size === 0) return
  try {
    const written = await Promise.all([...leaving].map((one) => writeOne(core, id, head, one)))
    await forget(core, id, new Map([...leaving].filter((_, at) => written[at])))
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}

function toLeave(head: Head, nowMs: number, leavingMax: number): Map<string, Uint8Array> {
  const tooMany = tooManyProducers(head)
  const byUse = [...head.producers].map(([name, state]) => {
    const idleMs = nowMs - unpackProducer(state, nowMs).usedMs
    return { name, state, idleMs }
  })
  const leaving = tooMany ? byUse : byUse.filter(({ idleMs }) => idleMs > idleMsMax)
  leaving.sort((a, b) => b.idleMs - a.idleMs)
  return new Map(leaving.slice(0, leavingMax).map(({ name, state }) => [name, state]))
}

/**
 * Whether the state is kept. Where a later view of the head has been written, it is: as long as the head still holds this very
 * state, the later view was the same.
 */
async function writeOne(
  core: Core,
  id: PartitionId,
  head: Head,
  [name, packed]: [string, Uint8Array],
): Promise<boolean> {
  const key = spilledProducerKey(id, producerText(producerOfAttribute(name)))
  const state = unpackProducer(packed, core.clock.now())
  try {
    await core.items.update(key, writeSpilled(state, head.next))
    return true
  } catch (error) {
    if (error instanceof StoreError) return false
    throw error
  }
}

async function forget(core: Core, id: PartitionId, written: ReadonlyMap<string, Uint8Array>): Promise<void> {
  let leaving = written
  for (let attempt = 0; attempt < triesMax && leaving.size > 0; attempt++) {
    const { applied, item } = await core.items.update(headKey(id), forgetProducers(leaving))
    if (!item) return
    const head = readHead(id, item)
    sawProducers(core, id, head)
    if (applied) return
    // Whoever has gone on meanwhile stays.
    leaving = new Map([...leaving].filter(([name, state]) => isStill(head.producers.get(name), state)))
  }
}

const isStill = (now: Uint8Array | undefined, before: Uint8Array): boolean =>
  now !== undefined && sameBytes(now, before)
