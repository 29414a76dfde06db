import { findCopies } from './find-copies.ts'

const blockBytesMost = 32 * 1024
/** xerial's magic, its version and the oldest that can read it. */
const header = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1)
const copyBytesMost = 64

/** Snappy in xerial's framing, as the Java client writes it: blocks, each after its length (big-endian). */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [header]
  for (let at = 0; at < bytes.length; at += blockBytesMost) {
    const packed = compressBlock(bytes.subarray(at, at + blockBytesMost))
    const length = new Uint8Array(4)
    new DataView(length.buffer).setUint32(0, packed.length)
    parts.push(length, packed)
  }
  return Buffer.concat(parts)
}

/** One raw block (https://github.com/google/snappy/blob/main/format_description.txt). */
function compressBlock(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(32 + block.length + Math.ceil(block.length / 6))
  let to = 0
  let left = block.length
  for (; left > 0x7f; left >>>= 7) out[to++] = (left & 0x7f) | 0x80
  out[to++] = left
  const literals = (from: number, until: number) => {
    const last = until - from - 1
    if (last < 0) return
    if (last < 60) out[to++] = last << 2
    else if (last < 0x100) {
      out[to++] = 60 << 2
      out[to++] = last
    } else {
      out[to++] = 61 << 2
      out[to++] = last & 0xff
      out[to++] = last >>> 8
    }
    out.set(block.subarray(from, until), to)
    to += last + 1
  }
  const rest = findCopies(block, ({ literalFrom, at, distance, length }) => {
    literals(literalFrom, at)
    for (let more = length; more > 0; more -= copyBytesMost) {
      out[to++] = ((Math.min(more, copyBytesMost) - 1) << 2) | 2
      out[to++] = distance & 0xff
      out[to++] = distance >>> 8
    }
  })
  literals(rest, block.length)
  return out.subarray(0, to)
}
