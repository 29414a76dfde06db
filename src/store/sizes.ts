/**
 * What an item weighs and what a call costs, by DynamoDB's rules, so that a bill can be foretold on one machine:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html and
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html.
 */
import type { Item, Key, Value } from './items.ts'
import { isBinary, isList } from './values.ts'

const writeUnitBytes = 1024
const readUnitBytes = 4096

/** UTF-8 bytes of a string. */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(text)
}

/**
 * Bytes of a number: one for the exponent, one for every two decimal digits between the first and the last that is not zero
 * (in pairs that do not straddle the decimal point), one more when it is negative. AWS calls its rule approximate; this is how DynamoDB Local encodes it.
 */
function numberBytes(value: number): number {
  if (value === 0) return 1
  const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e')
  const digits = mantissa.length === 1 ? 1 : mantissa.length - 1
  const wholeDigits = Number(exponent) + 1
  const pairs = Math.ceil((digits + Math.abs(wholeDigits % 2)) / 2)
  return 1 + pairs + (value < 0 && pairs < 20 ? 1 : 0)
}

/** A list or map takes 3 bytes and 1 more for each element. */
const containerBytes = (elements: number) => 3 + elements

export function valueBytes(value: Value): number {
  if (typeof value === 'string') return utf8Bytes(value)
  if (typeof value === 'number') return numberBytes(value)
  if (value === null || typeof value === 'boolean') return 1
  if (isBinary(value)) return value.byteLength
  if (isList(value))
    return value.reduce((bytes: number, element) => bytes + valueBytes(element), containerBytes(value.length))
  return containerBytes(Object.keys(value).length) + attributesBytes(value)
}

function attributesBytes(attributes: Item): number {
  let bytes = 0
  for (const name in attributes) bytes += utf8Bytes(name) + valueBytes(attributes[name] ?? null)
  return bytes
}

/** Bytes of an item with its key (`pk`, `sk`): what the 400 KB limit and the units are counted on. 0 where there is none. */
export function itemBytes(key: Key, item: Item | undefined): number {
  if (item === undefined) return 0
  return 'pk'.length + utf8Bytes(key.pk) + 'sk'.length + utf8Bytes(key.sk) + attributesBytes(item)
}

/** One write: by the larger of the item before and after, at least 1. A failed condition costs the same by what is there. */
export const writeUnits = (bytesBefore: number, bytesAfter: number): number =>
  Math.max(1, Math.ceil(Math.max(bytesBefore, bytesAfter) / writeUnitBytes))

/** One consistent read, or one page of a query by the sum of its items: at least 1, also where nothing was found. */
export const readUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / readUnitBytes))

/** A transactional write costs twice a plain one. */
export const transactFactor = 2
