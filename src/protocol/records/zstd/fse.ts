import { corrupt } from '../varint.ts'
import { type BackwardBits, highestBit, readBits } from './bits.ts'

/** A decoding table of finite state entropy (RFC 8878, 4.1): a state stands for a symbol and says how to get the next state. */
export type FseTable = {
  readonly accuracyLog: number
  readonly symbols: Uint8Array
  readonly bitCounts: Uint8Array
  readonly baselines: Uint16Array
}

/** The table that knows one symbol only and costs no bits. */
export const singleSymbol = (symbol: number): FseTable => ({
  accuracyLog: 0,
  symbols: Uint8Array.of(symbol),
  bitCounts: new Uint8Array(1),
  baselines: new Uint16Array(1),
})

/** From the probability of each symbol, in parts of 2^accuracyLog; -1 stands for "less than one". */
export function fseTable(probabilities: readonly number[], accuracyLog: number): FseTable {
  const size = 1 << accuracyLog
  const symbols = new Uint8Array(size)
  const next = probabilities.map((probability) => Math.abs(probability))
  let rareFrom = size
  for (const [symbol, probability] of probabilities.entries()) {
    if (probability === -1) symbols[--rareFrom] = symbol
  }
  const step = (size >>> 1) + (size >>> 3) + 3
  let at = 0
  for (const [symbol, probability] of probabilities.entries()) {
    for (let i = 0; i < probability; i++) {
      symbols[at] = symbol
      do at = (at + step) & (size - 1)
      while (at >= rareFrom)
    }
  }
  const bitCounts = new Uint8Array(size)
  const baselines = new Uint16Array(size)
  for (let state = 0; state < size; state++) {
    const symbol = symbols[state] ?? 0
    const place = next[symbol] ?? 1
    next[symbol] = place + 1
    const bits = accuracyLog - highestBit(place)
    bitCounts[state] = bits
    baselines[state] = (place << bits) - size
  }
  return { accuracyLog, symbols, bitCounts, baselines }
}

/** Reads a table's description at `at` and says where it ends. */
export function readFseTable(
  bytes: Uint8Array,
  at: number,
  limits: { accuracyLog: number; symbols: number },
): [table: FseTable, end: number] {
  let bit = at * 8
  const read = (count: number) => {
    const from = bit >>> 3
    const word = (bytes[from] ?? 0) | ((bytes[from + 1] ?? 0) << 8) | ((bytes[from + 2] ?? 0) << 16)
    const value = (word >>> (bit & 7)) & ((1 << count) - 1)
    bit += count
    return value
  }
  const accuracyLog = read(4) + 5
  if (accuracyLog > limits.accuracyLog) throw corrupt('a zstd table is too fine')
  const probabilities: number[] = []
  let remaining = 1 << accuracyLog
  while (remaining > 0 && probabilities.length < limits.symbols) {
    // Values below a threshold are one bit shorter than the others.
    const count = highestBit(remaining + 1) + 1
    const lowMask = (1 << (count - 1)) - 1
    const threshold = (1 << count) - 2 - remaining
    let value = read(count)
    if ((value & lowMask) < threshold) {
      bit--
      value &= lowMask
    } else if (value > lowMask) value -= threshold
    const probability = value - 1
    remaining -= Math.abs(probability)
    probabilities.push(probability)
    if (probability !== 0) continue
    for (let zeros = 3; zeros === 3 && probabilities.length < limits.symbols; ) {
      zeros = read(2)
      for (let i = 0; i < zeros; i++) probabilities.push(0)
    }
  }
  const end = (bit + 7) >>> 3
  if (remaining !== 0 || probabilities.length > limits.symbols || end > bytes.length)
    throw corrupt('a zstd table is broken')
  return [fseTable(probabilities, accuracyLog), end]
}

// The casts in these two are sound: a state is always below the size of its table.
export const symbolOf = (table: FseTable, state: number): number => table.symbols[state] as number
export const nextState = (table: FseTable, state: number, bits: BackwardBits): number =>
  (table.baselines[state] as number) + readBits(bits, table.bitCounts[state] as number)
