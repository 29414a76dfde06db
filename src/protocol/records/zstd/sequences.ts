import { appendBytes, type Growing, repeatBytes } from '../growing.ts'
import { corrupt } from '../varint.ts'
import { backwardBits, readBits } from './bits.ts'
import { type FseTable, fseTable, nextState, readFseTable, singleSymbol, symbolOf } from './fse.ts'
import { blockBytesMax } from './literals.ts'

/** What one block leaves to the next: its tables, and the last three distances. */
export type Tables = { literalLengths: FseTable; offsets: FseTable; matchLengths: FseTable }
export type Distances = [number, number, number]

type Code = { bits: readonly number[]; base: readonly number[] }

/** A code's first value, and how many bits follow it to tell how far beyond. */
function code(first: number, bits: readonly number[]): Code {
  const base: number[] = []
  let value = first
  for (const count of bits) {
    base.push(value)
    value += 1 << count
  }
  return { bits, base }
}
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)
// RFC 8878, 3.1.1.3.2.1.1.
const literalCode = code(0, [...zeros(16), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
const matchCode = code(3, [...zeros(32), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])
const offsetCodeMax = 31

// RFC 8878, 3.1.1.3.2.2: the tables that need no description.
const predefined: Tables = {
  literalLengths: fseTable(
    [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
    6,
  ),
  offsets: fseTable([1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1], 5),
  matchLengths: fseTable(
    [1, 4, 3, 2, 2, 2, 2, 2, 2, ...Array.from({ length: 37 }, () => 1), -1, -1, -1, -1, -1, -1, -1],
    6,
  ),
}

/**
 * Carries out the sequences section at `at` (RFC 8878, 3.1.1.3.2 and 3.1.1.4): so many literals, then so many bytes repeated, in
 * turn. `frameStart` is where matches may not reach behind. Returns the tables for the next block.
 */
export function runSequences(
  block: Uint8Array,
  at: number,
  literals: Uint8Array,
  state: { tables: Tables | undefined; distances: Distances; frameStart: number },
  out: Growing,
): Tables | undefined {
  const [count, modesAt] = sequenceCount(block, at)
  const outEnd = out.length + blockBytesMax
  if (count === 0) {
    if (modesAt !== block.length) throw corrupt('bytes are left over in a zstd block')
    appendBytes(out, literals)
    return state.tables
  }
  const [tables, start] = readTables(block, modesAt, state.tables)
  const bits = backwardBits(block.subarray(start))
  let literalState = readBits(bits, tables.literalLengths.accuracyLog)
  let offsetState = readBits(bits, tables.offsets.accuracyLog)
  let matchState = readBits(bits, tables.matchLengths.accuracyLog)
  let used = 0
  for (let left = count; left > 0; left--) {
    const offsetBits = symbolOf(tables.offsets, offsetState)
    // At most 24 bits can be read at once.
    const high = offsetBits > 16 ? readBits(bits, offsetBits - 16) * 2 ** 16 : 0
    const offset = 2 ** offsetBits + high + readBits(bits, Math.min(offsetBits, 16))
    const matchSymbol = symbolOf(tables.matchLengths, matchState)
    const matchLength = (matchCode.base[matchSymbol] ?? 0) + readBits(bits, matchCode.bits[matchSymbol] ?? 0)
    const literalSymbol = symbolOf(tables.literalLengths, literalState)
    const literalLength = (literalCode.base[literalSymbol] ?? 0) + readBits(bits, literalCode.bits[literalSymbol] ?? 0)
    if (left > 1) {
      literalState = nextState(tables.literalLengths, literalState, bits)
      matchState = nextState(tables.matchLengths, matchState, bits)
      offsetState = nextState(tables.offsets, offsetState, bits)
    }
    if (bits.left < 0) throw corrupt('the sequences of a zstd block are cut off')
    if (literalLength > literals.length - used) throw corrupt('a zstd block has too few literals')
    if (out.length + literalLength + matchLength > outEnd) throw corrupt('a zstd block is too long')
    appendBytes(out, literals.subarray(used, used + literalLength))
    used += literalLength
    const distance = nextDistance(state.distances, offset, literalLength === 0)
    if (distance > out.length - state.frameStart || !repeatBytes(out, distance, matchLength)) {
      throw corrupt('zstd data reaches back before its beginning')
    }
  }
  if (bits.left !== 0) throw corrupt('bits are left over in a zstd block')
  if (out.length + literals.length - used > outEnd) throw corrupt('a zstd block is too long')
  appendBytes(out, literals.subarray(used))
  return tables
}

function sequenceCount(block: Uint8Array, at: number): [count: number, end: number] {
  const [first = -1, second = 0, third = 0] = block.subarray(at, at + 3)
  if (first < 0) throw corrupt('a zstd block has no sequences section')
  if (first < 128) return [first, at + 1]
  return first < 255 ? [((first - 128) << 8) + second, at + 2] : [second + (third << 8) + 0x7f00, at + 3]
}

function readTables(block: Uint8Array, at: number, previous: Tables | undefined): [tables: Tables, end: number] {
  const modes = block[at] ?? 3
  if ((modes & 3) !== 0) throw corrupt('a zstd block uses a reserved bit')
  let end = at + 1
  const read = (mode: number, name: keyof Tables, accuracyLog: number, symbols: number): FseTable => {
    if (mode === 0) return predefined[name]
    if (mode === 3) {
      if (previous === undefined) throw corrupt('a zstd block needs a table that was never sent')
      return previous[name]
    }
    if (mode === 1) {
      const symbol = block[end++]
      if (symbol === undefined || symbol >= symbols) throw corrupt('a zstd table has an unknown symbol')
      return singleSymbol(symbol)
    }
    const [table, after] = readFseTable(block, end, { accuracyLog, symbols })
    end = after
    return table
  }
  // In the order in which they are described.
  const literalLengths = read(modes >>> 6, 'literalLengths', 9, literalCode.bits.length)
  const offsets = read((modes >>> 4) & 3, 'offsets', 8, offsetCodeMax + 1)
  const matchLengths = read((modes >>> 2) & 3, 'matchLengths', 9, matchCode.bits.length)
  return [{ literalLengths, offsets, matchLengths }, end]
}

/** Offsets 1 to 3 name one of the last three distances, one further on when no literals come before (RFC 8878, 3.1.1.5). */
function nextDistance(last: Distances, offset: number, noLiterals: boolean): number {
  const [first, second, third] = last
  if (offset > 3) {
    last[2] = second
    last[1] = first
    last[0] = offset - 3
    return last[0]
  }
  const which = offset + (noLiterals ? 1 : 0)
  if (which === 1) return first
  if (which > 2) last[2] = second
  last[1] = first
  last[0] = which === 2 ? second : which === 3 ? third : first - 1
  return last[0]
}
