/**
 * A ref: what a partition's head knows of one append, packed into some 45 bytes.
 *
 *   byte 0       high nibble: format version (1); bit 3: of an idempotent producer; bit 2: its blob item forgets itself;
 *                low bits: place (0 inline, 1 item, 2 object)
 *   16 bytes     blob id (an inline ref has one too: it is the ref's name)
 *   7 bytes      stamp
 *   varints      position in the blob (not for inline), length, record count, greatest timestamp (zigzag, ms)
 *   varints      where bit 3 is set: producer id, epoch, first sequence
 *   rest         for inline refs: the record batches themselves
 *
 * An inline ref of an idempotent producer has no varints: its batches, which follow the stamp, say all of it.
 * A Millrace that does not know bit 3 or bit 2 refuses such a ref by name, as one of a kind that it does not understand.
 */
import { batchesIn } from '../protocol/records/batch.ts'
import { type BlobId, blobIdBytes } from './blob-id.ts'
import { requireFormat } from './format.ts'
import { packer, unpacker } from './packing.ts'
import type { ProducerRun } from './producer-state.ts'
import type { Stamp } from './stamp.ts'

const refFormat = 1
const ofProducer = 0x08
const forgetsItself = 0x04
const places = ['inline', 'item', 'object'] as const
export type Place = (typeof places)[number]

export type Ref = {
  readonly id: BlobId
  readonly stamp: Stamp
  readonly place: Place
  /** Where the batches begin in the blob, in bytes; 0 for inline refs. */
  readonly position: number
  readonly length: number
  readonly count: number
  readonly maxTimestampMs: number
  /** Where all of it was sent by one idempotent producer, its sequences in a row. */
  readonly producer?: ProducerRun
  /**
   * Where the blob is an item that the store forgets in time (blob-ttl.ts): the version of the topic's configs by which it was
   * told when, as its writer knows it; -1 of a ref that was read.
   */
  readonly ttlVersion?: number
  /** The batches of an inline ref. */
  readonly data?: Uint8Array
}

export function packRef(ref: Ref): Uint8Array {
  const out = packer(64 + (ref.data?.length ?? 0))
  const bits = (ref.producer ? ofProducer : 0) | (ref.ttlVersion === undefined ? 0 : forgetsItself)
  out.byte((refFormat << 4) | bits | places.indexOf(ref.place))
  out.bytes(ref.id)
  out.uint56(ref.stamp)
  if (ref.data && ref.producer) {
    out.bytes(ref.data)
    return out.done()
  }
  if (ref.place !== 'inline') out.uint(ref.position)
  out.uint(ref.length)
  out.uint(ref.count)
  out.int(ref.maxTimestampMs)
  if (ref.producer) {
    out.uint(ref.producer.id)
    out.uint(ref.producer.epoch)
    out.uint(ref.producer.firstSequence)
  }
  if (ref.data) out.bytes(ref.data)
  return out.done()
}

/** The stamp alone, for which nothing else has to be unpacked. */
export const packedStamp = (bytes: Uint8Array): Stamp => unpacker(bytes, 1 + blobIdBytes).uint56()

export function unpackRef(bytes: Uint8Array): Ref {
  const from = unpacker(bytes)
  const first = from.byte()
  requireFormat('ref', 'a partition head or chunk', first >> 4, refFormat)
  const kind = first & 0x0f
  const place = places[kind & ~(ofProducer | forgetsItself)]
  if (place === undefined) requireFormat('ref', 'a partition head or chunk', `1 with kind ${kind}`, refFormat)
  const id = from.bytes(blobIdBytes)
  const stamp = from.uint56()
  const idempotent = (kind & ofProducer) !== 0
  if (idempotent && place === 'inline') return { id, stamp, place, ...saidBy(from.bytes(from.left)) }
  const position = place === 'inline' ? 0 : from.uint()
  const length = from.uint()
  const count = from.uint()
  const maxTimestampMs = from.int()
  const ttl = kind & forgetsItself ? { ttlVersion: -1 } : {}
  const ref = { id, stamp, place: place ?? 'inline', position, length, count, maxTimestampMs, ...ttl }
  if (place === 'inline') return { ...ref, data: from.bytes(length) }
  if (!idempotent) return ref
  return { ...ref, producer: { id: from.uint(), epoch: from.uint(), firstSequence: from.uint() } }
}

/** What the batches of one producer, one after the other, say of themselves. */
function saidBy(data: Uint8Array): Omit<Ref, 'id' | 'stamp' | 'place'> {
  const batches = batchesIn(data)
  const { producerId = -1, producerEpoch = -1, baseSequence = -1 } = batches[0] ?? {}
  return {
    position: 0,
    length: data.length,
    count: batches.reduce((sum, { recordCount }) => sum + recordCount, 0),
    maxTimestampMs: Math.max(-1, ...batches.map((batch) => batch.maxTimestampMs)),
    producer: { id: producerId, epoch: producerEpoch, firstSequence: baseSequence },
    data,
  }
}

/**
 * What the head keeps of a ref for a while after dropping it: its stamp and three random bytes of its name. A late copy
 * meets the fingerprint, or a horizon at or above its stamp.
 */
export function fingerprint(ref: Pick<Ref, 'id' | 'stamp'>): Uint8Array {
  const out = packer(10)
  out.uint56(ref.stamp)
  out.bytes(ref.id.subarray(6, 9))
  return out.done()
}

export const fingerprintStamp = (bytes: Uint8Array): Stamp => unpacker(bytes).uint56()

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at])
