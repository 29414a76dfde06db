/**
 * What a blob object begins with: for whom it is, and until when a ref may come to name it.
 *
 *   "MRB" 0x01, 7 bytes last stamp, varint header length, then for each partition its text preceded by its length; then the bytes
 */
import { requireFormat } from './format.ts'
import { type PartitionId, partitionText } from './keys.ts'
import { packer, unpacker } from './packing.ts'
import type { Stamp } from './stamp.ts'

const blobObjectFormat = 1
const magic = Uint8Array.of(0x4d, 0x52, 0x42)

export type BlobHeader = {
  /** No ref with a later stamp may name the blob. */
  readonly lastStamp: Stamp
  /** As `partitionText` gives them. */
  readonly partitions: readonly string[]
}

export function blobHeader(lastStamp: Stamp, partitions: readonly PartitionId[]): Uint8Array {
  const names = packer()
  for (const id of partitions) {
    const name = new TextEncoder().encode(partitionText(id))
    names.uint(name.length)
    names.bytes(name)
  }
  const packedNames = names.done()
  const out = packer(packedNames.length + 16)
  out.bytes(magic)
  out.byte(blobObjectFormat)
  out.uint56(lastStamp)
  out.uint(packedNames.length)
  out.bytes(packedNames)
  return out.done()
}

/** Where the batches begin in a blob that is this partition's alone; in no other blob does a portion of it begin there. */
export const positionInOwnBlob = (id: PartitionId): number => blobHeader(0, [id]).length

/** Enough of an object to hold the header's fixed part. */
export const headerBytesMin = 21

/**
 * The header that these bytes begin with, or how many bytes it takes where they are fewer.
 * @throws UnknownFormatError
 */
export function readBlobHeader(key: string, bytes: Uint8Array): BlobHeader | { readonly needsBytes: number } {
  const from = unpacker(bytes)
  const isBlob = magic.every((byte) => byte === from.byte())
  requireFormat('blob object', key, isBlob ? from.byte() : 'none of ours', blobObjectFormat)
  const lastStamp = from.uint56()
  const namesBytes = from.uint()
  if (from.left < namesBytes) return { needsBytes: from.at + namesBytes }
  const names = unpacker(from.bytes(namesBytes))
  const partitions: string[] = []
  while (names.left > 0) partitions.push(new TextDecoder().decode(names.bytes(names.uint())))
  return { lastStamp, partitions }
}
