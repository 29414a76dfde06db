/**
 * Reading what refs name into one buffer, each to its place, side by side, and past the reader's memory: nobody asks for it again.
 * A blob object that several partitions share is read whole once and kept while the others are rolled; where they are too large for
 * all of them to be kept until the next partition comes, only the first are, and of the others each partition reads its part.
 */
import { blobBytesOf } from '../log/blob.ts'
import { positionInOwnBlob, readBlobHeader } from '../log/blob-header.ts'
import { type BlobId, blobIdText } from '../log/blob-id.ts'
import { blobItemKey, blobObjectKey, type PartitionId, partitionText } from '../log/keys.ts'
import type { Ref } from '../log/ref.ts'
import type { Source } from '../log/segment-object.ts'
import type { ByteCache } from '../runtime/byte-cache.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import type { Item } from '../store/items.ts'
import { limits } from '../store/limits.ts'

const objectsAtOnce = 32
const itemPagesAtOnce = 4
/** Of shared blobs, read whole by one step: less than what is kept of them. */
const wholeBytesMost = 32 * 1024 * 1024

/** A ref and where its batches go. */
export type Placed = { readonly ref: Ref; readonly at: number }

/** Whether another ref names the blob object of this one, too: of another partition or of this. */
export const isShared = (id: PartitionId, ref: Ref): boolean =>
  ref.place === 'object' && ref.position !== positionInOwnBlob(id)

/** What was read of a blob: it may go with the segment only where these refs took all of it. */
type Blob = {
  readonly id: BlobId
  readonly kind: 'item' | 'object'
  taken: number
  /** Of all batches in it; unknown while only a part was read. */
  bytes?: number
  /** Others need it as well, or see to it. */
  othersToo?: boolean
}

/**
 * Fills `into`. Gives the blobs that were read, each once; `missing`: a ref whose blob is not there.
 * @throws StoreError
 */
export async function gather(
  core: Core,
  id: PartitionId,
  placed: readonly Placed[],
  into: Uint8Array,
  shared: ByteCache<Uint8Array>,
): Promise<{ readonly sources: readonly Source[] } | { readonly missing: Ref }> {
  const blobs = new Map<string, Blob>()
  let missing: Ref | undefined
  const put = ({ ref, at }: Placed, bytes: Uint8Array | undefined) => {
    if (bytes?.length === ref.length) into.set(bytes, at)
    else missing ??= ref
  }
  for (const one of placed) if (one.ref.place === 'inline') put(one, one.ref.data)
  const items = placed.filter(({ ref }) => ref.place === 'item')
  await inParallel(itemPagesAtOnce, hundreds(items), async (page) => {
    const found = await core.items.batchGet(page.map(({ ref }) => blobItemKey(ref.id)))
    for (const [place, one] of page.entries()) {
      const item = found[place]
      put(one, blobBytesOf(one.ref, item))
      if (item) noteItem(id, blobOf(blobs, one.ref), item)
    }
  })
  const objects = placed.filter(({ ref }) => ref.place === 'object')
  const readShared = sharedReader(core, id, shared)
  await inParallel(objectsAtOnce, objects, async (one) => {
    if (missing) return
    const blob = blobOf(blobs, one.ref)
    put(one, isShared(id, one.ref) ? await readShared(one.ref, blob) : await ofOwn(core, one.ref, blob))
  })
  return missing ? { missing } : { sources: [...blobs.values()].map(sourceOf) }
}

function blobOf(blobs: Map<string, Blob>, { id, place, length }: Ref): Blob {
  const name = blobIdText(id)
  const blob: Blob = blobs.get(name) ?? { id, kind: place === 'item' ? 'item' : 'object', taken: 0 }
  blob.taken += length
  blobs.set(name, blob)
  return blob
}

/** Requests that were flushed together may lie in one blob of this partition, and their refs in chunks that are not rolled yet. */
const sourceOf = ({ id, kind, taken, bytes, othersToo = false }: Blob): Source => ({
  kind,
  id,
  sole: !othersToo && taken === bytes,
})

/** One that the store forgets by itself is not paid for twice. */
function noteItem(id: PartitionId, blob: Blob, { p, d, ttl }: Item): void {
  blob.othersToo = ttl !== undefined || !isOnly(id, Array.isArray(p) ? p : [])
  if (d instanceof Uint8Array) blob.bytes = d.length
}

const isOnly = (id: PartitionId, names: readonly unknown[]): boolean =>
  names.length > 0 && names.every((name) => name === partitionText(id))

/** One byte more than the ref says: none comes where the blob ends with it. */
async function ofOwn(core: Core, { id, position, length }: Ref, blob: Blob): Promise<Uint8Array | undefined> {
  const bytes = await core.objects.get(blobObjectKey(id), { start: position, end: position + length + 1 })
  if (bytes?.length === length) blob.bytes = length
  return bytes?.subarray(0, length)
}

/** Reads shared blobs for one step, the first one alone: by it the others' size is reckoned. */
function sharedReader(core: Core, id: PartitionId, shared: ByteCache<Uint8Array>) {
  let [wholeBytes, largest] = [0, 0]
  let first: Promise<unknown> | undefined
  const read = async (ref: Ref, blob: Blob): Promise<Uint8Array | undefined> => {
    const key = blobObjectKey(ref.id)
    const kept = shared.get(key)
    if (!kept && wholeBytes > 0 && wholeBytes + largest > wholeBytesMost) return ofPart(core, ref, blob)
    const reckoned = largest
    wholeBytes += reckoned
    const bytes = kept ?? (await core.objects.get(key))
    wholeBytes += (bytes?.length ?? 0) - reckoned
    if (!bytes) return undefined
    largest = Math.max(largest, bytes.length)
    shared.set(key, bytes, bytes.length)
    const header = readBlobHeader(key, bytes)
    blob.othersToo = !('partitions' in header && isOnly(id, header.partitions))
    if (!blob.othersToo) blob.bytes = bytes.length - positionInOwnBlob(id)
    return bytes.subarray(ref.position, ref.position + ref.length)
  }
  return async (ref: Ref, blob: Blob): Promise<Uint8Array | undefined> => {
    if (first) await first.catch(() => {})
    const reading = read(ref, blob)
    first ??= reading
    return reading
  }
}

/** Whose the rest of it is nobody knows then: the sweep asks. */
function ofPart(core: Core, { id, position, length }: Ref, blob: Blob): Promise<Uint8Array | undefined> {
  blob.othersToo = true
  return core.objects.get(blobObjectKey(id), { start: position, end: position + length })
}

function hundreds<T>(all: readonly T[]): T[][] {
  const pages: T[][] = []
  for (let at = 0; at < all.length; at += limits.batchGetKeys) pages.push(all.slice(at, at + limits.batchGetKeys))
  return pages
}
