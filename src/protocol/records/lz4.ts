import { appendBytes, type Growing, growing, grown, repeatBytes } from './growing.ts'
import { type Cursor, corrupt } from './varint.ts'
import { xxh32 } from './xxh32.ts'

const frameMagic = 0x184d2204
const flag = { version: 0xc0, blockChecksum: 0x10, contentSize: 0x08, contentChecksum: 0x04, dictionary: 0x01 } as const
const blockBytesMax: Readonly<Record<number, number>> = { 4: 1 << 16, 5: 1 << 18, 6: 1 << 20, 7: 1 << 22 }

/**
 * An LZ4 frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md), every checksum in it verified. Written here because
 * lz4js checks none, misplaces block checksums, never looks at bounds and allocates 5 MiB when imported. As in Kafka, what follows the
 * frame is ignored.
 */
export function decompressLz4(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const input: Cursor = { bytes, at: 0, end: bytes.length }
  const { flags, blockMax, contentBytes } = readDescriptor(input)
  const out = growing(Math.min(bytes.length * 4, 1 << 20), maxBytes)
  for (;;) {
    const sizeAndKind = readUint32(input)
    if (sizeAndKind === 0) break
    const stored = sizeAndKind >= 0x80000000
    const size = sizeAndKind & 0x7fffffff
    if (size > blockMax) throw corrupt(`an lz4 block has ${size} bytes, more than the ${blockMax} of its frame`)
    const block = takeBytes(input, size)
    if ((flags & flag.blockChecksum) !== 0 && readUint32(input) !== xxh32(block))
      throw corrupt('an lz4 block has a wrong checksum')
    const before = out.length
    if (stored) appendBytes(out, block)
    else decompressBlock(block, out, before + blockMax)
    if (out.length - before > blockMax) throw corrupt('an lz4 block is longer than its frame allows')
  }
  const content = grown(out)
  if (contentBytes !== undefined && contentBytes !== content.length)
    throw corrupt('an lz4 frame has not the size it says')
  if ((flags & flag.contentChecksum) !== 0 && readUint32(input) !== xxh32(content))
    throw corrupt('an lz4 frame has a wrong checksum')
  return content
}

function readDescriptor(input: Cursor): { flags: number; blockMax: number; contentBytes: number | undefined } {
  if (readUint32(input) !== frameMagic) throw corrupt('this is no lz4 frame')
  const from = input.at
  const [flags = 0, blockSizes = 0] = takeBytes(input, 2)
  if ((flags & flag.version) !== 0x40) throw corrupt('the version of an lz4 frame is unknown')
  if ((flags & flag.dictionary) !== 0) throw corrupt('an lz4 frame needs a dictionary')
  const blockMax = blockBytesMax[(blockSizes >>> 4) & 7]
  if (blockMax === undefined) throw corrupt('the block size of an lz4 frame is unknown')
  const contentBytes = (flags & flag.contentSize) === 0 ? undefined : readUint32(input) + readUint32(input) * 2 ** 32
  const checksum = (xxh32(input.bytes.subarray(from, input.at)) >>> 8) & 0xff
  if (takeBytes(input, 1)[0] !== checksum) throw corrupt('the header of an lz4 frame has a wrong checksum')
  return { flags, blockMax, contentBytes }
}

/** Literals and copies in turn (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md), not beyond `outEnd`. */
function decompressBlock(block: Uint8Array, out: Growing, outEnd: number): void {
  const input: Cursor = { bytes: block, at: 0, end: block.length }
  while (input.at < input.end) {
    const token = block[input.at++] ?? 0
    const literals = takeBytes(input, runLength(input, token >>> 4))
    if (literals.length > outEnd - out.length) throw corrupt('an lz4 block is longer than its frame allows')
    appendBytes(out, literals)
    if (input.at === input.end) return
    const [low = 0, high = 0] = [block[input.at], block[input.at + 1]]
    takeBytes(input, 2)
    const count = runLength(input, token & 15) + 4
    if (count > outEnd - out.length) throw corrupt('an lz4 block is longer than its frame allows')
    if (!repeatBytes(out, low | (high << 8), count)) throw corrupt('lz4 data reaches back before its beginning')
  }
}

/** A length of 15 goes on in the bytes that follow, as long as they are 255. */
function runLength(input: Cursor, short: number): number {
  if (short < 15) return short
  let length = short
  for (;;) {
    const byte = input.bytes[input.at]
    if (byte === undefined) throw corrupt('lz4 data is cut off inside a length')
    input.at++
    length += byte
    if (byte < 255) return length
  }
}

function takeBytes(input: Cursor, count: number): Uint8Array {
  if (count > input.end - input.at) throw corrupt('lz4 data is cut off')
  input.at += count
  return input.bytes.subarray(input.at - count, input.at)
}

function readUint32(input: Cursor): number {
  const [a = 0, b = 0, c = 0, d = 0] = takeBytes(input, 4)
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
}
