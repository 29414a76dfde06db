/**
 * A rolled segment, as its index entry tells it: what was in many blobs lies in one object, batch after batch (segment-object.ts).
 *
 *   v  format: 2, which a Millrace that knows only chunks refuses by name     e  end offset (the next entry's base)
 *   g  greatest stamp in this entry and all before it     m  greatest timestamp in this entry and all before it
 *   t  greatest timestamp in this entry                   b  bytes of its batches
 *   o  the object's ulid     l  the object's bytes        x  where its batches lie (spans.ts)
 *   w  epoch of the lease under which it was rolled       f  1: what it was made of has been cleaned up; absent before
 *
 * A segment holds for every offset from its base to its end: chunks that begin in there were brought back by whoever slept, and
 * count for nothing.
 */
import { absent, type Item, type Patch, set, type Update } from '../store/items.ts'
import type { BlobId } from './blob-id.ts'
import { requireFormat } from './format.ts'
import { indexPk, type PartitionId, segmentObjectKey } from './keys.ts'
import { readSpans, type Span } from './spans.ts'
import type { Stamp } from './stamp.ts'

const segmentFormat = 2
/** The object's magic, before the first batch. */
export const segmentHeaderBytes = 4

export type Segment = {
  readonly base: number
  readonly end: number
  readonly runningStamp: Stamp
  readonly runningTimestampMs: number
  readonly maxTimestampMs: number
  /** Of its batches, which begin behind the object's magic; the footer follows them. */
  readonly bytes: number
  readonly object: BlobId
  readonly objectBytes: number
  /** Unpacked by `spansOf` where they are needed. */
  readonly packedSpans: Uint8Array
  readonly epoch: number
  /** What it was made of is gone, or left to the sweep. */
  readonly cleaned: boolean
}

export const spansOf = (segment: Segment): Span[] => readSpans(segment.packedSpans, segment.base, segmentHeaderBytes)

export const objectKeyOf = (id: PartitionId, segment: Pick<Segment, 'base' | 'object'>): string =>
  segmentObjectKey(id, segment.base, segment.object)

/** Creates the entry, unless one stands there. */
export const createSegment = (segment: Segment): Update => ({ patches: segmentPatches(segment), if: absent('v') })

export const segmentPatches = (segment: Segment): Patch[] => [
  set('v', segmentFormat),
  set('e', segment.end),
  set('g', segment.runningStamp),
  set('m', segment.runningTimestampMs),
  set('t', segment.maxTimestampMs),
  set('b', segment.bytes),
  set('o', segment.object),
  set('l', segment.objectBytes),
  set('x', segment.packedSpans),
  set('w', segment.epoch),
  ...(segment.cleaned ? [set('f', 1)] : []),
]

/** @throws StoreError `misconfigured`: a format that this version does not know. */
export function readSegment(id: PartitionId, sk: string, item: Item): Segment {
  requireFormat('index entry', `${indexPk(id)} ${sk}`, item.v, segmentFormat)
  return {
    base: Number.parseInt(sk, 10),
    end: Number(item.e),
    runningStamp: Number(item.g),
    runningTimestampMs: Number(item.m),
    maxTimestampMs: Number(item.t),
    bytes: Number(item.b),
    object: item.o instanceof Uint8Array ? item.o : new Uint8Array(),
    objectBytes: Number(item.l),
    packedSpans: item.x instanceof Uint8Array ? item.x : new Uint8Array(),
    epoch: Number(item.w),
    cleaned: item.f === 1,
  }
}
