/**
 * A segment's object: one partition's RecordBatches, one after the other, with their true base offsets (compaction may leave gaps).
 *
 *   4 bytes    "MRS" 0x01
 *   batches    as many bytes as the index entry says
 *   footer     varints: base offset, end offset, count of sources; then each source:
 *              kind (0 blob item, 1 blob object, 2 segment; 4 is added where only this partition had batches in it), 16 bytes of its
 *              ulid, and of a segment the varint of its base offset
 *   8 bytes    length of the footer (big-endian, 4 bytes), "MRS" 0x01
 *
 * The footer names what the segment was made of, for that is garbage from the moment the segment stands in the index.
 */
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { type BlobId, blobIdBytes } from './blob-id.ts'
import type { PartitionId } from './keys.ts'
import { packer, unpacker } from './packing.ts'
import { objectKeyOf, type Segment, segmentHeaderBytes } from './segment.ts'

const magic = Uint8Array.of(0x4d, 0x52, 0x53, 0x01)
const trailerBytes = 8
const kinds = ['item', 'object', 'segment'] as const
const soleBit = 4

/** What a segment was made of. `sole`: no other partition has batches in it. */
export type Source =
  | { readonly kind: 'item' | 'object'; readonly id: BlobId; readonly sole: boolean }
  | { readonly kind: 'segment'; readonly id: BlobId; readonly base: number }

export type SegmentFooter = { readonly base: number; readonly end: number; readonly sources: readonly Source[] }

/** What comes before the batches. */
export const segmentHeader = (): Uint8Array => Uint8Array.from(magic)

/** What comes after them. */
export function segmentFooter({ base, end, sources }: SegmentFooter): Uint8Array {
  const footer = packer(64 + sources.length * (blobIdBytes + 1))
  footer.uint(base)
  footer.uint(end)
  footer.uint(sources.length)
  for (const source of sources) {
    footer.byte(kinds.indexOf(source.kind) | ('sole' in source && source.sole ? soleBit : 0))
    footer.bytes(source.id)
    if (source.kind === 'segment') footer.uint(source.base)
  }
  const bytes = footer.done()
  const out = packer(bytes.length + trailerBytes)
  out.bytes(bytes)
  for (const unit of [2 ** 24, 2 ** 16, 2 ** 8, 1]) out.byte(Math.floor(bytes.length / unit) % 256)
  out.bytes(magic)
  return out.done()
}

/** `undefined`: there is no such object any more. @throws StoreError also where it is none of ours. */
export async function readFooter(core: Core, id: PartitionId, segment: Segment): Promise<SegmentFooter | undefined> {
  const key = objectKeyOf(id, segment)
  const range = { start: segmentHeaderBytes + segment.bytes, end: segment.objectBytes }
  const bytes = await core.objects.get(key, range)
  return bytes && parseFooter(key, bytes)
}

function parseFooter(key: string, bytes: Uint8Array): SegmentFooter {
  const bad = (why: string) => new StoreError('misconfigured', `the object ${key} ${why}: use a newer version`)
  const end = bytes.subarray(-magic.length)
  if (bytes.length < trailerBytes || !magic.every((byte, at) => byte === end[at]))
    throw bad('is no segment of format 1')
  const from = unpacker(bytes)
  const footer = { base: from.uint(), end: from.uint() }
  const sources: Source[] = []
  for (let left = from.uint(); left > 0; left--) {
    const first = from.byte()
    const kind = kinds[first & ~soleBit]
    const id = from.bytes(blobIdBytes).slice()
    if (kind === undefined) throw bad(`names a source of kind ${first}`)
    sources.push(kind === 'segment' ? { kind, id, base: from.uint() } : { kind, id, sole: (first & soleBit) !== 0 })
  }
  return { ...footer, sources }
}
