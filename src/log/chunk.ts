/**
 * An index entry: a run of refs that left the head's tail together, under the offset it begins at. Written once, never changed.
 *
 *   v  format      e  end offset (the next entry's base)      r  the refs, each packed and preceded by its length
 *   g  greatest stamp in this entry and all before it         m  greatest timestamp in this entry and all before it
 *
 * Both running maxima only grow along the index: that is what bounds the search for a lost append and for a timestamp.
 */
import { absent, type Item, set, type Update } from '../store/items.ts'
import { requireFormat } from './format.ts'
import { droppedStamp, type Head, recordsIn, refsToSpill, tailRefs } from './head.ts'
import { chunkKey, indexPk, type PartitionId } from './keys.ts'
import { packer, unpacker } from './packing.ts'
import { packRef, type Ref, unpackRef } from './ref.ts'
import type { Stamp } from './stamp.ts'

const chunkFormat = 1

export type Chunk = {
  readonly base: number
  readonly end: number
  readonly refs: readonly Ref[]
  readonly runningStamp: Stamp
  readonly runningTimestampMs: number
}

/** The entry that holds the first refs of this head's tail: those that are to leave it, if nobody says how many. */
export function entryOfTail(head: Head, count = refsToSpill(head)): Chunk {
  const refs = tailRefs(head).slice(0, count)
  return {
    base: head.tailStart,
    end: head.tailStart + recordsIn(refs),
    refs,
    runningStamp: Math.max(droppedStamp(head), ...refs.map((ref) => ref.stamp)),
    runningTimestampMs: Math.max(head.droppedTimestampMs, ...refs.map((ref) => ref.maxTimestampMs)),
  }
}

/** Creates the entry, unless one stands there: then that one holds, and has to be adopted. */
export function createChunk(entry: Chunk): Update {
  const refs = packer(1024)
  for (const ref of entry.refs) {
    const packed = packRef(ref)
    refs.uint(packed.length)
    refs.bytes(packed)
  }
  return {
    patches: [
      set('v', chunkFormat),
      set('e', entry.end),
      set('g', entry.runningStamp),
      set('m', entry.runningTimestampMs),
      set('r', refs.done()),
    ],
    if: absent('v'),
  }
}

/** @throws StoreError `misconfigured`: a format that this version does not know. */
export function readChunk(id: PartitionId, sk: string, item: Item): Chunk {
  const where = `${indexPk(id)} ${sk}`
  requireFormat('index entry', where, item.v, chunkFormat)
  const refs: Ref[] = []
  const from = unpacker(item.r instanceof Uint8Array ? item.r : new Uint8Array())
  while (from.left > 0) refs.push(unpackRef(from.bytes(from.uint())))
  return {
    base: Number.parseInt(sk, 10),
    end: Number(item.e),
    refs,
    runningStamp: Number(item.g),
    runningTimestampMs: Number(item.m),
  }
}

export const entryKey = (id: PartitionId, entry: Chunk) => chunkKey(id, entry.base)
