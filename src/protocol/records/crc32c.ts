const polynomialReversed = 0x82f63b78

/** Eight tables of 256, one after the other: table k holds the effect of a byte followed by k zero bytes. */
let tables: Uint32Array | undefined

function buildTables(): Uint32Array {
  const built = new Uint32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomialReversed : crc >>> 1
    built[byte] = crc
  }
  for (let at = 256; at < built.length; at++) {
    const shorter = built[at - 256] ?? 0
    built[at] = (shorter >>> 8) ^ (built[shorter & 0xff] ?? 0)
  }
  return built
}

/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes` from `start` up to `end`, as an unsigned 32-bit number. Eight bytes at
 * a time ("slicing by 8"). `zlib.crc32` is another polynomial and of no use here.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  if (start < 0 || end > bytes.length || start > end)
    throw new RangeError(`no bytes ${start} to ${end} of ${bytes.length}`)
  tables ??= buildTables()
  // The casts below state what the checks above and the masks guarantee: every index lies inside its array. A `?? 0` in this
  // loop costs a third of the speed.
  const t = tables
  let crc = 0xffffffff
  let at = start
  for (const stop = end - 7; at < stop; at += 8) {
    const low = crc ^ word(bytes, at)
    crc =
      (t[0x700 | (low & 0xff)] as number) ^
      (t[0x600 | ((low >>> 8) & 0xff)] as number) ^
      (t[0x500 | ((low >>> 16) & 0xff)] as number) ^
      (t[0x400 | (low >>> 24)] as number) ^
      (t[0x300 | (bytes[at + 4] as number)] as number) ^
      (t[0x200 | (bytes[at + 5] as number)] as number) ^
      (t[0x100 | (bytes[at + 6] as number)] as number) ^
      (t[bytes[at + 7] as number] as number)
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (t[(crc ^ (bytes[at] as number)) & 0xff] as number)
  return (crc ^ 0xffffffff) >>> 0
}

/** Four bytes, little-endian. The casts are sound: the caller has checked that all four exist. */
function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}
