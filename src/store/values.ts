/** What DynamoDB takes as a value, equality and order of values as it sees them, and copies that share no memory. */
import type { Item, Scalar, Value } from './items.ts'

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html: nesting, and the range of numbers. */
const maxDepth = 32
const smallestNumber = 1e-130
const largestNumber = 9.9999999999999e125

export const isBinary = (value: Value): value is Uint8Array => value instanceof Uint8Array
export const isList = (value: Value | undefined): value is readonly Value[] => Array.isArray(value)

/** The code unit where two strings differ, moved so that units order as UTF-8 does: surrogates (U+10000 and up) come last. */
const utf8Rank = (unit: number) => (unit >= 0xe000 ? unit - 0x800 : unit >= 0xd800 ? unit + 0x2000 : unit)

/** Orders strings by their UTF-8 bytes without encoding them. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return utf8Rank(x) - utf8Rank(y)
  }
  return a.length - b.length
}

/** Orders binaries by their unsigned bytes. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** `undefined` where the two are of different types, or have no order. */
export function compareScalars(a: Value | undefined, b: Scalar): number | undefined {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b)
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b)
  return undefined
}

function copiedMap(map: { readonly [name: string]: Value }, depth: number): { [name: string]: Value } {
  const copy: { [name: string]: Value } = {}
  for (const name in map) {
    // Assigning it would set the copy's prototype.
    if (name === '__proto__') throw new Error('an attribute may not be called __proto__')
    const value = map[name]
    if (value === undefined) throw new Error(`attribute ${name} has no value: leave it out, or remove it`)
    copy[name] = copied(value, depth + 1)
  }
  return copy
}

function copiedNumber(value: number): number {
  const size = Math.abs(value)
  if (size !== 0 && !(size >= smallestNumber && size <= largestNumber)) {
    throw new Error(`the number ${value} is outside what an item can hold`)
  }
  return value + 0 // -0 becomes 0, as in DynamoDB
}

/** A deep copy that shares no memory with `value`. Throws for what DynamoDB cannot hold. */
export function copied(value: Value, depth = 0): Value {
  if (typeof value === 'number') return copiedNumber(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth > maxDepth) throw new Error(`a value is nested deeper than ${maxDepth} levels`)
  // A plain Uint8Array even where a Buffer (which may be a window on a shared pool) came in.
  if (isBinary(value)) return new Uint8Array(value)
  if (isList(value)) return value.map((element) => copied(element, depth + 1))
  return copiedMap(value, depth)
}

export const copiedItem = (item: Item): Item => copiedMap(item, -1)

type Decimal = { readonly digits: bigint; readonly exponent: number }

function decimal(value: number): Decimal {
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length }
}

/** Adds as DynamoDB does, in decimal: 0.1 + 0.2 is 0.3. */
export function sum(a: number, b: number): number {
  const plain = a + b
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b) && Number.isSafeInteger(plain)) return plain
  if (Number.isInteger(a) && Number.isInteger(b))
    throw new Error(`${a} + ${b} leaves the integers a number can hold exactly`)
  const x = decimal(a)
  const y = decimal(b)
  const exponent = Math.min(x.exponent, y.exponent)
  const scaled = ({ digits, exponent: own }: Decimal) => digits * 10n ** BigInt(own - exponent)
  const digits = scaled(x) + scaled(y)
  // DynamoDB holds 38 digits and rounds nothing away.
  if (`${digits}`.replace(/^-/, '').replace(/0+$/, '').length > 38)
    throw new Error(`${a} + ${b} needs more than 38 digits`)
  return Number(`${digits}e${exponent}`)
}
