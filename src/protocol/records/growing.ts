import { KafkaError } from '../errors.ts'

export const tooLarge = (maxBytes: number): KafkaError =>
  new KafkaError('MESSAGE_TOO_LARGE', `a record batch holds more than ${maxBytes} bytes once decompressed`)

/**
 * The output of a decompressor that does not know its size beforehand. It grows with what is really written, never with what the
 * input claims, and never beyond `maxBytes` (MESSAGE_TOO_LARGE).
 */
export type Growing = { bytes: Uint8Array; length: number; readonly maxBytes: number }

export const growing = (guessBytes: number, maxBytes: number): Growing => ({
  bytes: new Uint8Array(Math.min(guessBytes, maxBytes)),
  length: 0,
  maxBytes,
})

/** Room for `count` more bytes. */
export function makeRoom(out: Growing, count: number): void {
  const needed = out.length + count
  if (needed <= out.bytes.length) return
  if (needed > out.maxBytes) throw tooLarge(out.maxBytes)
  const larger = new Uint8Array(Math.min(out.maxBytes, Math.max(needed, out.bytes.length * 2)))
  larger.set(out.bytes.subarray(0, out.length))
  out.bytes = larger
}

export function appendBytes(out: Growing, bytes: Uint8Array): void {
  makeRoom(out, bytes.length)
  out.bytes.set(bytes, out.length)
  out.length += bytes.length
}

/**
 * Repeats `count` bytes that begin `distance` bytes before the end, as LZ77 does: they may run into what is being written. Returns
 * false when the output does not reach back so far.
 */
export function repeatBytes(out: Growing, distance: number, count: number): boolean {
  if (distance < 1 || distance > out.length) return false
  makeRoom(out, count)
  const { bytes } = out
  const to = out.length
  const from = to - distance
  if (distance >= count && count > 32) bytes.copyWithin(to, from, from + count)
  // The cast is sound: `from + i` is below `to + i`, which `makeRoom` keeps inside the array.
  else for (let i = 0; i < count; i++) bytes[to + i] = bytes[from + i] as number
  out.length = to + count
  return true
}

export const grown = (out: Growing): Uint8Array => out.bytes.subarray(0, out.length)
