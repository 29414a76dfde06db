/**
 * A blob's name: a ULID (https://github.com/ulid/spec), 48 bits of milliseconds and 80 random bits, 26 characters as text.
 * Never used twice: a blob that has to be sent again under a new name gets a new id.
 */
import type { Random } from '../runtime/clock.ts'

export type BlobId = Uint8Array

export const blobIdBytes = 16
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

export function newBlobId(nowMs: number, random: Random): BlobId {
  const id = new Uint8Array(blobIdBytes)
  const view = new DataView(id.buffer)
  view.setUint16(0, Math.floor(nowMs / 2 ** 32))
  view.setUint32(2, nowMs % 2 ** 32)
  id.set(random.bytes(10), 6)
  return id
}

/** When the blob was made, by its writer's clock. */
export function blobIdMs(id: BlobId): number {
  const view = new DataView(id.buffer, id.byteOffset, blobIdBytes)
  return view.getUint16(0) * 2 ** 32 + view.getUint32(2)
}

/** A random byte of the id, to spread blobs over key prefixes. */
export const blobIdShard = (id: BlobId): number => id[15] ?? 0

/** Crockford's base 32: 128 bits from the front, the first character holding the top three. */
export function blobIdText(id: BlobId): string {
  let bits = 0n
  for (const byte of id) bits = (bits << 8n) | BigInt(byte)
  let text = ''
  for (let shift = 125n; shift >= 0n; shift -= 5n) text += alphabet[Number((bits >> shift) & 31n)]
  return text
}

/** The first id, as text, that a blob made at that time can have. */
export function firstBlobIdText(ms: number): string {
  const id = new Uint8Array(blobIdBytes)
  const view = new DataView(id.buffer)
  view.setUint16(0, Math.floor(ms / 2 ** 32))
  view.setUint32(2, ms % 2 ** 32)
  return blobIdText(id)
}

/** When a blob of that name was made: its first ten characters are the time. */
export function blobIdTextMs(text: string): number {
  let ms = 0
  for (const character of text.slice(0, 10)) ms = ms * 32 + alphabet.indexOf(character)
  return ms
}
