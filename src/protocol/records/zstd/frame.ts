import { appendBytes, type Growing, growing, grown, makeRoom, tooLarge } from '../growing.ts'
import { type Cursor, corrupt, take } from '../varint.ts'
import type { HuffmanTable } from './huffman.ts'
import { blockBytesMax, readLiterals } from './literals.ts'
import { type Distances, runSequences, type Tables } from './sequences.ts'

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a50

/**
 * Zstandard frames one after the other (RFC 8878), for a Node that has no zstd of its own. Written here because fzstd does not
 * check how much a block repeats: 18 bytes keep it busy for over a minute. The optional checksum of the content is not verified: the CRC-32C of
 * the batch already covers every byte read here.
 */
export function decompressFrames(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const input: Cursor = { bytes, at: 0, end: bytes.length }
  const out = growing(Math.min(bytes.length * 4, 1 << 20), maxBytes)
  while (input.at < input.end) {
    const magic = littleEndian(input, 4)
    if (magic === frameMagic) decompressFrame(input, out)
    else if (Math.floor(magic / 16) === skippableMagic / 16) take(input, littleEndian(input, 4))
    else throw corrupt('this is no zstd frame')
  }
  return grown(out)
}

function decompressFrame(input: Cursor, out: Growing): void {
  const { contentBytes, checksum } = readFrameHeader(input)
  if (contentBytes !== undefined && contentBytes > out.maxBytes - out.length) throw tooLarge(out.maxBytes)
  const frameStart = out.length
  const distances: Distances = [1, 4, 8]
  let table: HuffmanTable | undefined
  let tables: Tables | undefined
  for (let last = false; !last; ) {
    const head = littleEndian(input, 3)
    last = (head & 1) === 1
    const kind = (head >>> 1) & 3
    const size = head >>> 3
    if (kind === 3 || size > blockBytesMax) throw corrupt('a zstd block is of an unknown kind or too long')
    const from = take(input, kind === 1 ? 1 : size)
    if (kind === 1) {
      makeRoom(out, size)
      out.bytes.fill(input.bytes[from] ?? 0, out.length, out.length + size)
      out.length += size
      continue
    }
    const block = input.bytes.subarray(from, from + size)
    if (kind === 0) {
      appendBytes(out, block)
      continue
    }
    const read = readLiterals(block, table)
    table = read.table
    tables = runSequences(block, read.end, read.literals, { tables, distances, frameStart }, out)
  }
  if (checksum) take(input, 4)
  if (contentBytes !== undefined && contentBytes !== out.length - frameStart)
    throw corrupt('a zstd frame has not the size it says')
}

/** RFC 8878, 3.1.1.1. The window size says nothing here: the whole output stays at hand. */
function readFrameHeader(input: Cursor): { contentBytes: number | undefined; checksum: boolean } {
  const descriptor = littleEndian(input, 1)
  if ((descriptor & 8) !== 0) throw corrupt('a zstd frame uses a reserved bit')
  const singleSegment = (descriptor & 0x20) !== 0
  if (!singleSegment) take(input, 1)
  if (littleEndian(input, [0, 1, 2, 4][descriptor & 3] ?? 0) !== 0) throw corrupt('a zstd frame needs a dictionary')
  const sizeBytes = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0
  const stated = littleEndian(input, sizeBytes)
  return {
    contentBytes: sizeBytes === 0 ? undefined : sizeBytes === 2 ? stated + 256 : stated,
    checksum: (descriptor & 4) !== 0,
  }
}

function littleEndian(input: Cursor, count: number): number {
  const from = take(input, count)
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (input.bytes[from + i] ?? 0)
  return value
}
