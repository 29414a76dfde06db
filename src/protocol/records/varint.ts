import { KafkaError } from '../errors.ts'

/** A place in some bytes that readers and writers move forward. Nothing at or after `end` is touched. */
export type Cursor = { readonly bytes: Uint8Array; at: number; readonly end: number }

export const corrupt = (message: string, cause?: unknown): KafkaError =>
  new KafkaError('CORRUPT_MESSAGE', message, cause === undefined ? undefined : { cause })

/** Moves past `count` bytes and says where they began. CORRUPT_MESSAGE when they are not there. */
export function take(cursor: Cursor, count: number): number {
  const from = cursor.at
  if (count > cursor.end - from) throw corrupt(`a record ends ${count - (cursor.end - from)} bytes after its data does`)
  cursor.at = from + count
  return from
}

export function readByte(cursor: Cursor): number {
  if (cursor.at >= cursor.end) throw corrupt('a record ends after its data does')
  // The cast is sound: `at < end`, and `end` never exceeds the array.
  return cursor.bytes[cursor.at++] as number
}

/**
 * A zigzag varint of 32 bits, at most 5 bytes. CORRUPT_MESSAGE when it runs out of data or holds more than 32 bits. Padded
 * forms that still fit (`80 00`) are read, as Kafka's `ByteUtils.readVarint` does.
 */
export function readVarint(cursor: Cursor): number {
  let byte = readByte(cursor)
  let zigzag = byte & 0x7f
  for (let shift = 7; byte > 0x7f; shift += 7) {
    byte = readByte(cursor)
    if (shift === 28 && byte > 0x0f) throw corrupt('a variable-length number holds more than 32 bits')
    zigzag |= (byte & 0x7f) << shift
  }
  return (zigzag >>> 1) ^ -(zigzag & 1)
}

/**
 * A zigzag varint of 64 bits, at most 10 bytes, as a safe integer. CORRUPT_MESSAGE when it runs out of data, holds more than
 * 64 bits, or lies beyond 2^53 - 1.
 */
export function readVarlong(cursor: Cursor): number {
  // Seven bytes hold 49 bits, which doubles carry exactly; longer ones are rare.
  let zigzag = 0
  let scale = 1
  for (let count = 0; count < 7; count++) {
    const byte = readByte(cursor)
    zigzag += (byte & 0x7f) * scale
    if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    scale *= 128
  }
  return readLongTail(cursor, BigInt(zigzag))
}

function readLongTail(cursor: Cursor, first49Bits: bigint): number {
  let zigzag = first49Bits
  for (let shift = 49n; ; shift += 7n) {
    const byte = readByte(cursor)
    if (shift === 63n && byte > 0x01) throw corrupt('a variable-length number holds more than 64 bits')
    zigzag |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  const value = Number((zigzag >> 1n) ^ -(zigzag & 1n))
  if (!Number.isSafeInteger(value)) throw corrupt(`${value} is beyond what can be counted exactly`)
  return value
}

/** Bytes that `writeVarint` or `writeVarlong` needs for a safe integer. */
export function varintBytes(value: number): number {
  let magnitude = value < 0 ? -(value + 1) : value
  let count = 1
  // The first byte carries six bits beside the sign, every other seven.
  for (magnitude = Math.floor(magnitude / 64); magnitude >= 1; magnitude = Math.floor(magnitude / 128)) count++
  return count
}

/** Writes a 32-bit number. The caller has made room (`varintBytes`). */
export function writeVarint(cursor: Cursor, value: number): void {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  while (zigzag > 0x7f) {
    cursor.bytes[cursor.at++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  cursor.bytes[cursor.at++] = zigzag
}

/** Writes a safe integer. The caller has made room (`varintBytes`). */
export function writeVarlong(cursor: Cursor, value: number): void {
  if (value === (value | 0)) {
    writeVarint(cursor, value)
    return
  }
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a safe integer`)
  const long = BigInt(value)
  let zigzag = BigInt.asUintN(64, (long << 1n) ^ (long >> 63n))
  while (zigzag > 0x7fn) {
    cursor.bytes[cursor.at++] = Number(zigzag & 0x7fn) | 0x80
    zigzag >>= 7n
  }
  cursor.bytes[cursor.at++] = Number(zigzag)
}
