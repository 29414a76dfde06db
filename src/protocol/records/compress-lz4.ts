import { findCopies } from './find-copies.ts'
import { xxh32 } from './xxh32.ts'

const blockBytesMost = 64 * 1024
/** Version 1, blocks that stand alone, of 64 KiB at most: what Kafka's Java client writes and asks for. */
const descriptor = Uint8Array.of(0x60, 0x40)
const storedBit = 0x80000000

/** An LZ4 frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md). */
export function compressLz4(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [
    Uint8Array.of(0x04, 0x22, 0x4d, 0x18),
    descriptor,
    Uint8Array.of((xxh32(descriptor) >>> 8) & 0xff),
  ]
  for (let at = 0; at < bytes.length; at += blockBytesMost) {
    const block = bytes.subarray(at, at + blockBytesMost)
    const packed = compressBlock(block)
    const isShorter = packed.length < block.length
    parts.push(uint32(isShorter ? packed.length : block.length + storedBit), isShorter ? packed : block)
  }
  parts.push(uint32(0))
  return Buffer.concat(parts)
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, true)
  return bytes
}

/** Each token: how many literals, the literals, how far back, how many bytes from there. */
function compressBlock(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(block.length + Math.ceil(block.length / 255) + 16)
  let to = 0
  const runOn = (rest: number) => {
    let left = rest
    for (; left >= 255; left -= 255) out[to++] = 255
    out[to++] = left
  }
  const literals = (from: number, until: number, copyCode: number) => {
    const count = until - from
    out[to++] = (Math.min(count, 15) << 4) | Math.min(copyCode, 15)
    if (count >= 15) runOn(count - 15)
    out.set(block.subarray(from, until), to)
    to += count
  }
  const rest = findCopies(block, ({ literalFrom, at, distance, length }) => {
    const code = length - 4
    literals(literalFrom, at, code)
    out[to++] = distance & 0xff
    out[to++] = distance >>> 8
    if (code >= 15) runOn(code - 15)
  })
  literals(rest, block.length, 0)
  return out.subarray(0, to)
}
