import { corrupt } from '../varint.ts'
import { backwardBits, highestBit, readBits } from './bits.ts'
import { nextState, readFseTable, symbolOf } from './fse.ts'

/** A Huffman decoding table (RFC 8878, 4.2), indexed by the next `bits` bits of the stream. */
export type HuffmanTable = { readonly bits: number; readonly symbols: Uint8Array; readonly lengths: Uint8Array }

const bitsMax = 11
const symbolsMax = 256

/** Reads a table's description at `at` and says where it ends. */
export function readHuffmanTable(bytes: Uint8Array, at: number): [table: HuffmanTable, end: number] {
  const head = bytes[at] ?? 0
  const from = at + 1
  const direct = head >= 128
  const end = from + (direct ? (head - 126) >>> 1 : head)
  if (end > bytes.length) throw corrupt('a zstd Huffman table is cut off')
  const weights = direct ? directWeights(bytes, from, head - 127) : compressedWeights(bytes.subarray(from, end))
  return [tableOf(weights), end]
}

const directWeights = (bytes: Uint8Array, from: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => ((bytes[from + (i >>> 1)] ?? 0) >>> (i % 2 === 0 ? 4 : 0)) & 15)

/** Two states take turns on one stream, until it is used up. */
function compressedWeights(bytes: Uint8Array): number[] {
  const [table, start] = readFseTable(bytes, 0, { accuracyLog: 6, symbols: 13 })
  const bits = backwardBits(bytes.subarray(start))
  let state = readBits(bits, table.accuracyLog)
  let other = readBits(bits, table.accuracyLog)
  const weights: number[] = []
  while (weights.length < symbolsMax - 2) {
    weights.push(symbolOf(table, state))
    const next = nextState(table, state, bits)
    state = other
    other = next
    if (bits.left >= 0) continue
    weights.push(symbolOf(table, state))
    return weights
  }
  throw corrupt('a zstd Huffman table has too many symbols')
}

function tableOf(weights: number[]): HuffmanTable {
  let sum = 0
  for (const weight of weights) {
    if (weight > bitsMax) throw corrupt('a zstd Huffman code is too long')
    if (weight > 0) sum += 1 << (weight - 1)
  }
  if (sum === 0) throw corrupt('a zstd Huffman table is empty')
  // The weight of the last symbol is what is missing to a power of two.
  const bits = highestBit(sum) + 1
  const missing = (1 << bits) - sum
  if (bits > bitsMax || (missing & (missing - 1)) !== 0) throw corrupt('a zstd Huffman table is broken')
  const all = [...weights, highestBit(missing) + 1]

  const symbols = new Uint8Array(1 << bits)
  const lengths = new Uint8Array(1 << bits)
  let at = 0
  for (let weight = 1; weight <= bits; weight++) {
    for (const [symbol, its] of all.entries()) {
      if (its !== weight) continue
      const until = at + (1 << (weight - 1))
      symbols.fill(symbol, at, until)
      lengths.fill(bits + 1 - weight, at, until)
      at = until
    }
  }
  if (at !== symbols.length) throw corrupt('a zstd Huffman table is broken')
  return { bits, symbols, lengths }
}

/** Fills `out` from one stream, which must hold just that much. */
export function decodeHuffman(table: HuffmanTable, bytes: Uint8Array, out: Uint8Array): void {
  const stream = backwardBits(bytes)
  const mask = table.symbols.length - 1
  let state = readBits(stream, table.bits)
  for (let i = 0; i < out.length; i++) {
    out[i] = table.symbols[state] ?? 0
    const length = table.lengths[state] ?? 0
    state = ((state << length) | readBits(stream, length)) & mask
    if (stream.left < -table.bits) break
  }
  if (stream.left !== -table.bits) throw corrupt('zstd Huffman data has not the size it says')
}
