import { corrupt } from '../varint.ts'

/**
 * A stream of bits that is read from its end to its beginning, as zstd's entropy coders do. `left` is the number of bits not yet
 * read; reading beyond the beginning gives zeros and makes it negative, which is how the coders notice their end.
 */
export type BackwardBits = { readonly bytes: Uint8Array; left: number }

/** The highest bit that is set marks where the data ends and belongs to nobody. */
export function backwardBits(bytes: Uint8Array): BackwardBits {
  const last = bytes[bytes.length - 1] ?? 0
  if (last === 0) throw corrupt('a zstd bit stream has no end mark')
  return { bytes, left: bytes.length * 8 - 8 + highestBit(last) }
}

/** The next `count` bits, at most 24. */
export function readBits(bits: BackwardBits, count: number): number {
  bits.left -= count
  const { bytes, left } = bits
  if (left < 0) {
    const there = left + count
    return there <= 0 ? 0 : (word(bytes, 0) & ((1 << there) - 1)) << -left
  }
  return (word(bytes, left >>> 3) >>> (left & 7)) & ((1 << count) - 1)
}

/** Four bytes, little-endian; those beyond the end are 0 (`undefined` counts as 0 in bitwise operations; hence the casts). */
function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** The place of the highest bit set in a positive number. */
export const highestBit = (value: number): number => 31 - Math.clz32(value)
