const tableBits = 14
/** LZ4 wants its last copy to begin so far from a block's end at least, and the last bytes as they are. */
const marginBytes = 12
const tailBytes = 5
const copyBytesMin = 4

/** `literalFrom` to `at - 1` are new; the `length` bytes at `at` are those that stand `distance` before. */
export type Copy = { literalFrom: number; at: number; distance: number; length: number }

/**
 * Finds what repeats in a block of at most 64 KiB, greedily: the search that LZ4 and Snappy share. The object handed to `found` is
 * used again for the next. Returns where the literals after the last copy begin.
 */
export function findCopies(block: Uint8Array, found: (copy: Readonly<Copy>) => void): number {
  const lastSeen = new Int32Array(1 << tableBits).fill(-1)
  const view = new DataView(block.buffer, block.byteOffset, block.length)
  const copy: Copy = { literalFrom: 0, at: 0, distance: 0, length: 0 }
  const end = block.length - tailBytes
  let misses = 0
  for (let at = 0; at < block.length - marginBytes; ) {
    const word = view.getUint32(at, true)
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - tableBits)
    const before = lastSeen[slot] ?? -1
    lastSeen[slot] = at
    if (before < 0 || at - before > 0xffff || view.getUint32(before, true) !== word) {
      // Where nothing repeats it looks ever less often.
      at += 1 + (misses++ >>> 6)
      continue
    }
    let to = at + copyBytesMin
    while (to < end && block[to] === block[before + to - at]) to++
    copy.at = at
    copy.distance = at - before
    copy.length = to - at
    found(copy)
    copy.literalFrom = to
    misses = 0
    at = to
  }
  return copy.literalFrom
}
