import { appendBytes, type Growing, growing, grown, repeatBytes, tooLarge } from './growing.ts'
import { viewOf } from './header.ts'
import { corrupt } from './varint.ts'

/** `\x82SNAPPY\0`, then two version numbers of four bytes: how the Java library (xerial) begins its stream of blocks. */
const xerialMagic = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00] as const
const xerialHeaderBytes = 16

/**
 * Snappy as Kafka's clients write it: the Java client and those after it in xerial's framing (blocks, each after its length), others,
 * librdkafka among them, as one raw block. Written here because snappyjs neither notices output beyond the declared length nor too
 * little of it.
 */
export function decompressSnappy(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const out = growing(Math.min(bytes.length * 4, 1 << 20), maxBytes)
  if (!startsXerial(bytes, 0)) {
    decompressBlock(bytes, out)
    return grown(out)
  }
  const view = viewOf(bytes)
  let at = xerialHeaderBytes
  while (at < bytes.length) {
    // Streams put one after the other repeat the header.
    if (startsXerial(bytes, at)) {
      at += xerialHeaderBytes
      continue
    }
    if (bytes.length - at < 4) throw corrupt('snappy data is cut off before the length of a block')
    const size = view.getUint32(at)
    at += 4
    if (size > bytes.length - at) throw corrupt('snappy data is cut off inside a block')
    decompressBlock(bytes.subarray(at, at + size), out)
    at += size
  }
  return grown(out)
}

const startsXerial = (bytes: Uint8Array, at: number) =>
  bytes.length - at >= xerialHeaderBytes && xerialMagic.every((byte, index) => bytes[at + index] === byte)

/** One raw block (https://github.com/google/snappy/blob/main/format_description.txt). */
function decompressBlock(bytes: Uint8Array, out: Growing): void {
  const [declared, start] = uncompressedLength(bytes)
  if (declared > out.maxBytes - out.length) throw tooLarge(out.maxBytes)
  const end = out.length + declared
  let at = start
  while (at < bytes.length) {
    const tag = bytes[at] ?? 0
    if ((tag & 3) === 0) {
      const [size, from] = literal(bytes, at, tag)
      if (size > bytes.length - from) throw corrupt('snappy data is cut off inside a literal')
      if (size > end - out.length) throw corrupt('a snappy block is longer than it says')
      appendBytes(out, bytes.subarray(from, from + size))
      at = from + size
      continue
    }
    const size = (tag & 3) === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    if (size > end - out.length) throw corrupt('a snappy block is longer than it says')
    if (!repeatBytes(out, distance(bytes, at, tag), size))
      throw corrupt('snappy data reaches back before its beginning')
    at += copyElementBytes[tag & 3] ?? 1
  }
  if (at !== bytes.length || out.length !== end) throw corrupt('a snappy block is shorter than it says')
}

/** Bytes of a copy element, by the low two bits of its tag. */
const copyElementBytes = [1, 2, 3, 5] as const

/** How far back a copy reaches. Bytes beyond the end count as 0: the caller sees afterwards that the element was cut off. */
function distance(bytes: Uint8Array, at: number, tag: number): number {
  if ((tag & 3) === 1) return ((tag >>> 5) << 8) | (bytes[at + 1] ?? 0)
  return littleEndian(bytes, at + 1, (tag & 3) === 2 ? 2 : 4)
}

/** How long a literal is and where it begins. */
function literal(bytes: Uint8Array, at: number, tag: number): [size: number, from: number] {
  const short = tag >>> 2
  if (short < 60) return [short + 1, at + 1]
  const count = short - 59
  return [littleEndian(bytes, at + 1, count) + 1, at + 1 + count]
}

function littleEndian(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[at + i] ?? 0)
  return value
}

function uncompressedLength(bytes: Uint8Array): [length: number, start: number] {
  let length = 0
  for (let at = 0; at < 5; at++) {
    const byte = bytes[at]
    if (byte === undefined) break
    length += (byte & 0x7f) * 128 ** at
    if (byte < 0x80) return [length, at + 1]
  }
  throw corrupt('a snappy block does not say how long it is')
}
