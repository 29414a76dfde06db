import { corrupt } from '../varint.ts'
import { decodeHuffman, type HuffmanTable, readHuffmanTable } from './huffman.ts'

/** Bytes that a block may decompress to (RFC 8878, 3.1.1.2.4), whatever its window. */
export const blockBytesMax = 128 * 1024

type Read = { literals: Uint8Array; end: number; table: HuffmanTable | undefined }

/** The literals section at the start of a block (RFC 8878, 3.1.1.3.1). `previous` is the table of the block before. */
export function readLiterals(block: Uint8Array, previous: HuffmanTable | undefined): Read {
  const head = block[0] ?? 0
  const kind = head & 3
  const format = (head >>> 2) & 3
  return kind < 2 ? plainLiterals(block, kind, format, previous) : packedLiterals(block, kind, format, previous)
}

/** As they are, or one byte repeated. */
function plainLiterals(block: Uint8Array, kind: number, format: number, table: HuffmanTable | undefined): Read {
  const headBytes = [1, 2, 1, 3][format] ?? 1
  const head = littleEndian(block, headBytes)
  const size = headBytes === 1 ? head >>> 3 : head >>> 4
  const end = headBytes + (kind === 0 ? size : 1)
  if (size > blockBytesMax || end > block.length) throw corrupt('zstd literals are cut off')
  const literals = kind === 0 ? block.subarray(headBytes, end) : new Uint8Array(size).fill(block[headBytes] ?? 0)
  return { literals, end, table }
}

/** Huffman-coded, with a table of their own (kind 2) or the one before. */
function packedLiterals(block: Uint8Array, kind: number, format: number, previous: HuffmanTable | undefined): Read {
  const headBytes = [3, 3, 4, 5][format] ?? 3
  const sizeBits = [10, 10, 14, 18][format] ?? 10
  const sizes = Math.floor(littleEndian(block, headBytes) / 16)
  const size = sizes % 2 ** sizeBits
  const end = headBytes + Math.floor(sizes / 2 ** sizeBits)
  if (size > blockBytesMax || end > block.length) throw corrupt('zstd literals are cut off')
  const section = block.subarray(headBytes, end)
  const [table, start] = kind === 2 ? readHuffmanTable(section, 0) : [previous, 0]
  if (table === undefined) throw corrupt('zstd literals need a table that was never sent')
  const literals = new Uint8Array(size)
  const streams = section.subarray(start)
  if (format === 0) decodeHuffman(table, streams, literals)
  else decodeFour(table, streams, literals)
  return { literals, end, table }
}

/** Four streams, the lengths of the first three before them; each fills a quarter. */
function decodeFour(table: HuffmanTable, section: Uint8Array, literals: Uint8Array): void {
  const quarter = (literals.length + 3) >>> 2
  let at = 6
  for (let stream = 0; stream < 4; stream++) {
    const size = (section[2 * stream] ?? 0) | ((section[2 * stream + 1] ?? 0) << 8)
    const end = stream === 3 ? section.length : at + size
    if (at > end || end > section.length) throw corrupt('zstd literals are cut off')
    decodeHuffman(
      table,
      section.subarray(at, end),
      literals.subarray(stream * quarter, stream === 3 ? undefined : (stream + 1) * quarter),
    )
    at = end
  }
}

function littleEndian(bytes: Uint8Array, count: number): number {
  let value = 0
  for (let i = count - 1; i >= 0; i--) value = value * 256 + (bytes[i] ?? 0)
  return value
}
