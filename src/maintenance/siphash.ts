/**
 * SipHash-2-4 with 128 bits of output (https://www.aumasson.jp/siphash/siphash.pdf), under a key that nobody outside knows: whoever
 * chooses what is hashed cannot make two of them meet.
 */

/** Four words, little-endian. */
export type HashKey = Uint32Array

/** Puts the digest of `bytes` from `start` to `end - 1` into the four words of `into`. */
export function sipHash(key: HashKey, bytes: Uint8Array, start: number, end: number, into: Uint32Array): void {
  const [k0 = 0, k1 = 0, k2 = 0, k3 = 0] = key
  // Each 64-bit number of the paper as its low and its high half.
  let [a, A] = [0x70736575 ^ k0, 0x736f6d65 ^ k1]
  let [b, B] = [0x6e646f6d ^ k2 ^ 0xee, 0x646f7261 ^ k3]
  let [c, C] = [0x6e657261 ^ k0, 0x6c796765 ^ k1]
  let [d, D] = [0x79746573 ^ k2, 0x74656462 ^ k3]
  const length = end - start
  const blocks = Math.floor(length / 8) + 1
  for (let step = 0; step < blocks + 2; step++) {
    let [low, high] = [0, 0]
    if (step < blocks) {
      const at = start + step * 8
      const count = step < blocks - 1 ? 8 : length & 7
      for (let byte = 0; byte < count; byte++) {
        // The cast is sound: `at + byte` is below `end`.
        if (byte < 4) low |= (bytes[at + byte] as number) << (byte * 8)
        else high |= (bytes[at + byte] as number) << (byte * 8 - 32)
      }
      if (step === blocks - 1) high |= length << 24
      d ^= low
      D ^= high
    } else if (step === blocks) c ^= 0xee
    else b ^= 0xdd
    for (let round = step < blocks ? 2 : 4; round > 0; round--) {
      let sum = (a >>> 0) + (b >>> 0)
      A = (A + B + (sum > 0xffffffff ? 1 : 0)) | 0
      a = sum | 0
      let [low1, high1] = [(b << 13) | (B >>> 19), (B << 13) | (b >>> 19)]
      b = low1 ^ a
      B = high1 ^ A
      let swapped = a
      a = A
      A = swapped
      sum = (c >>> 0) + (d >>> 0)
      C = (C + D + (sum > 0xffffffff ? 1 : 0)) | 0
      c = sum | 0
      low1 = (d << 16) | (D >>> 16)
      high1 = (D << 16) | (d >>> 16)
      d = low1 ^ c
      D = high1 ^ C
      sum = (a >>> 0) + (d >>> 0)
      A = (A + D + (sum > 0xffffffff ? 1 : 0)) | 0
      a = sum | 0
      low1 = (d << 21) | (D >>> 11)
      high1 = (D << 21) | (d >>> 11)
      d = low1 ^ a
      D = high1 ^ A
      sum = (c >>> 0) + (b >>> 0)
      C = (C + B + (sum > 0xffffffff ? 1 : 0)) | 0
      c = sum | 0
      low1 = (b << 17) | (B >>> 15)
      high1 = (B << 17) | (b >>> 15)
      b = low1 ^ c
      B = high1 ^ C
      swapped = c
      c = C
      C = swapped
    }
    if (step < blocks) {
      a ^= low
      A ^= high
    } else {
      const place = (step - blocks) * 2
      into[place] = a ^ b ^ c ^ d
      into[place + 1] = A ^ B ^ C ^ D
    }
  }
}
