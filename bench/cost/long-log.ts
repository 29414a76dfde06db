/**
 * Long logs, made through the log's own builders: each index entry is what a spill would have written, without the appends
 * before it. Blobs are stored under the names in the refs only where a read will ask for them.
 */

import { inlineBytesMax, itemBytesMax, storeBlob } from '../../src/log/blob.ts'
import { type BlobId, blobIdMs, newBlobId } from '../../src/log/blob-id.ts'
import { createChunk, entryKey, entryOfTail } from '../../src/log/chunk.ts'
import { type Entry, isChunk } from '../../src/log/entry.ts'
import { dropUpdate, type Head, headExcess, newHead, readHead, refsToSpill, tailRefs } from '../../src/log/head.ts'
import { headKey, type PartitionId } from '../../src/log/keys.ts'
import { packRef, type Ref } from '../../src/log/ref.ts'
import { stampAt } from '../../src/log/stamp.ts'
import { createTopic, type Topic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { patched } from '../../src/store/embedded/interpret.ts'
import { set } from '../../src/store/items.ts'
import { batchOf, startMs } from './setup.ts'

/** One append: its records, all of one timestamp, and the bytes of each one's value. */
export type Appended = { readonly records: number; readonly valueBytes: number; readonly timestampMs: number }

/** What the appends of a log look like; the first is number 0. */
export type Shape = { readonly name: string; readonly entries: number; next(append: number): Appended }

export type LongLog = {
  readonly topic: Topic
  readonly id: PartitionId
  readonly end: number
  /** Where each entry begins, and the greatest timestamp up to its end. */
  readonly bases: readonly number[]
  readonly runningTimestamps: readonly number[]
}

const appendEveryMs = 250

export async function longLog(core: Core, shape: Shape): Promise<LongLog> {
  const topic = await createTopic(core, { name: 'bench' })
  const id = { topicId: topic.id, partition: 0 }
  const bases: number[] = []
  const runningTimestamps: number[] = []
  let head = readHead(id, patched({}, newHead(0).patches))
  let count = 0
  for (;;) {
    head = filled(head, () => nextRef(core, shape, count++))
    // The last refs stay in the tail.
    if (bases.length === shape.entries) break
    const entry = entryOfTail(head)
    await core.items.update(entryKey(id, entry), createChunk(entry))
    bases.push(entry.base)
    runningTimestamps.push(entry.runningTimestampMs)
    head = emptied(id, head)
  }
  await core.items.update(headKey(id), {
    patches: Object.entries(itemOf(head)).map(([name, value]) => set(name, value)),
  })
  await storeBlobsOf(core, id, tailRefs(head))
  return { topic, id, end: head.tailStart, bases, runningTimestamps }
}

/** The head after as many appends as make it spill. */
function filled(head: Head, nextOne: () => Ref): Head {
  const packedTail = [...head.packedTail]
  let { next, bytes } = head
  let moreBytes = 0
  let own = 0
  while (moreBytes === 0 || headExcess(head, moreBytes + own) <= 0) {
    const ref = nextOne()
    const packed = packRef(ref)
    packedTail.push(packed)
    own = packed.length + 1
    moreBytes += own
    next += ref.count
    bytes += ref.length
  }
  return { ...head, next, bytes, packedTail }
}

/** The head after the older refs of its tail have left. */
const emptied = (id: PartitionId, head: Head): Head =>
  readHead(id, patched(itemOf(head), dropUpdate(head, refsToSpill(head)).patches))

export const itemOf = (head: Head) =>
  patched(patched({}, newHead(head.configVersion).patches), [
    set('n', head.next),
    set('s', head.start),
    set('b', head.bytes),
    set('t', head.packedTail),
    set('o', head.tailStart),
    set('f', head.fingerprints),
    set('h', head.horizon),
    set('m', head.droppedTimestampMs),
    set('e', head.epoch),
  ])

/** By the length of the batch: what it was made of, so that it can be made again. Lengths do not depend on timestamps. */
const made = new Map<string, Omit<Appended, 'timestampMs'>>()
const lengths = new Map<number, number>()

function lengthOf(records: number, valueBytes: number): number {
  const key = records * 2 ** 20 + valueBytes
  const known = lengths.get(key)
  if (known !== undefined) return known
  const { length } = batchOf(records, valueBytes, startMs)
  lengths.set(key, length)
  made.set(`${records}:${length}`, { records, valueBytes })
  return length
}

/** The ref of append number `count`. */
export function nextRef(core: Pick<Core, 'random'>, { next }: Pick<Shape, 'next'>, count: number): Ref {
  const nowMs = startMs + count * appendEveryMs
  const { records, valueBytes, timestampMs } = next(count)
  const length = lengthOf(records, valueBytes)
  const id = newBlobId(nowMs, core.random)
  const ref = { id, stamp: stampAt(0, nowMs), length, count: records, maxTimestampMs: timestampMs }
  if (length <= inlineBytesMax) {
    return { ...ref, place: 'inline', position: 0, data: batchOf(records, valueBytes, timestampMs) }
  }
  return length <= itemBytesMax
    ? { ...ref, place: 'item', position: 0 }
    : { ...ref, place: 'object', position: objectHeaderBytes }
}

/** Magic, stamp, and one partition's name (22 characters, a slash and a digit), each with its length. */
const objectHeaderBytes = 4 + 7 + 1 + 1 + 24

/** Stores the blobs that these refs name, as an append would have done. */
export async function storeBlobsOf(core: Core, id: PartitionId, refs: readonly Ref[]): Promise<void> {
  for (const ref of refs) {
    if (ref.place === 'inline') continue
    const { records, valueBytes } = made.get(`${ref.count}:${ref.length}`) ?? { records: 0, valueBytes: 0 }
    const batch = batchOf(records, valueBytes, ref.maxTimestampMs)
    const blob = await storeBlob(atItsTime(core, ref.id), 0, [{ id, records: batch }], Number.MAX_SAFE_INTEGER)
    if (blob.place !== ref.place || blob.positions[0] !== ref.position)
      throw new Error('blobs are laid out otherwise now')
  }
}

/** A core that gives the next blob this very id. */
const atItsTime = (core: Core, id: BlobId): Core => ({
  ...core,
  clock: { ...core.clock, now: () => blobIdMs(id) },
  random: { ...core.random, bytes: () => id.subarray(6) },
})

/** Stores the blobs of whole entries. */
export async function storeBlobsOfEntries(core: Core, id: PartitionId, entries: readonly Entry[]): Promise<void> {
  for (const entry of entries.filter(isChunk)) await storeBlobsOf(core, id, entry.refs)
}
