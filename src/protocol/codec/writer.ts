/** One buffer that grows. `bytes` changes when it does: make room before taking a reference to it. */
export type Writer = {
  bytes: Buffer
  view: DataView
  at: number
  /** Large bytes that are not copied: each belongs where the buffer is cut. Undefined: all are copied. */
  apart: Apart[] | undefined
}

export type Apart = { readonly cut: number; readonly bytes: Uint8Array }

/** From here on a copy costs more than one more piece to send. */
const apartFromBytes = 16 * 1024

export function newWriter(sizeHint = 512): Writer {
  const bytes = Buffer.allocUnsafe(sizeHint)
  return { bytes, view: viewOf(bytes), at: 0, apart: undefined }
}

const viewOf = (bytes: Buffer) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** What was written: a view of the writer's buffer, which is not to be written to any more. */
export const written = (writer: Writer): Buffer => writer.bytes.subarray(0, writer.at)

/** As `written`, cut where something large was left out, and that in its place. */
export function writtenParts(writer: Writer): Uint8Array[] {
  const parts: Uint8Array[] = []
  let from = 0
  for (const { cut, bytes } of writer.apart ?? []) {
    parts.push(writer.bytes.subarray(from, cut), bytes)
    from = cut
  }
  if (from < writer.at) parts.push(writer.bytes.subarray(from, writer.at))
  return parts
}

/** Makes room for `count` bytes, moves past them and says where they begin. */
function advance(writer: Writer, count: number): number {
  const from = writer.at
  if (from + count > writer.bytes.length) grow(writer, count)
  writer.at = from + count
  return from
}

function grow(writer: Writer, count: number): void {
  const larger = Buffer.allocUnsafe(Math.max(writer.bytes.length * 2, writer.at + count))
  writer.bytes.copy(larger, 0, 0, writer.at)
  writer.bytes = larger
  writer.view = viewOf(larger)
}

/** A number that its field cannot hold is a mistake of ours, never written as another number. */
function integer(value: number, min: number, max: number): number {
  if (!(Number.isInteger(value) && value >= min && value <= max))
    throw new RangeError(`${value} is not an integer from ${min} to ${max}`)
  return value
}

// The numbers are checked, and room is made, before the view is taken: `advance` may replace it.
export function writeInt8(writer: Writer, value: number): void {
  const at = advance(writer, 1)
  writer.view.setInt8(at, integer(value, -0x80, 0x7f))
}

export function writeBool(writer: Writer, value: boolean): void {
  const at = advance(writer, 1)
  writer.view.setInt8(at, value ? 1 : 0)
}

export function writeInt16(writer: Writer, value: number): void {
  const at = advance(writer, 2)
  writer.view.setInt16(at, integer(value, -0x8000, 0x7fff))
}

export function writeUint16(writer: Writer, value: number): void {
  const at = advance(writer, 2)
  writer.view.setUint16(at, integer(value, 0, 0xffff))
}

export function writeInt32(writer: Writer, value: number): void {
  const at = advance(writer, 4)
  // Most of all numbers: the cheapest check first.
  if ((value | 0) !== value) integer(value, -0x8000_0000, 0x7fff_ffff)
  writer.view.setInt32(at, value)
}

export function writeUint32(writer: Writer, value: number): void {
  const at = advance(writer, 4)
  writer.view.setUint32(at, integer(value, 0, 0xffff_ffff))
}

export function writeFloat64(writer: Writer, value: number): void {
  const at = advance(writer, 8)
  writer.view.setFloat64(at, value)
}

export function writeInt64(writer: Writer, value: number): void {
  const at = advance(writer, 8)
  integer(value, -(2 ** 63), 2 ** 63)
  // Java's Long.MAX_VALUE was read as 2^63, the double nearest to it.
  const high = value === 2 ** 63 ? 0x7fff_ffff : Math.floor(value / 2 ** 32)
  writer.view.setInt32(at, high)
  writer.view.setUint32(at + 4, value === 2 ** 63 ? 0xffff_ffff : value - high * 2 ** 32)
}

export function writeUvarint(writer: Writer, value: number): void {
  let rest = value >>> 0
  const at = advance(writer, uvarintBytes(rest))
  let to = at
  for (; rest > 0x7f; rest >>>= 7) writer.bytes[to++] = (rest & 0x7f) | 0x80
  writer.bytes[to] = rest
}

function uvarintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5
}

export function writeUuid(writer: Writer, value: string): void {
  const at = advance(writer, 16)
  if (value.length !== 22 || writer.bytes.write(value, at, 16, 'base64url') !== 16)
    throw new RangeError(`${JSON.stringify(value)} is not a UUID in Kafka's form`)
}

/** Writes how long something is, -1 for null: the counterparts of the reader's. */
export type WriteLength = (writer: Writer, length: number) => void
export const writeCompactLength: WriteLength = (writer, length) => writeUvarint(writer, length + 1)
export const writeLength16: WriteLength = writeInt16
export const writeLength32: WriteLength = writeInt32

export function writeText(writer: Writer, value: string, writeLength: WriteLength): void {
  const length = Buffer.byteLength(value)
  writeLength(writer, length)
  const at = advance(writer, length)
  writer.bytes.write(value, at, length)
}

export function writeBytes(writer: Writer, value: Uint8Array, writeLength: WriteLength): void {
  writeLength(writer, value.length)
  writePart(writer, value)
}

/** The parts one after the other, as one value. */
export function writeParts(writer: Writer, parts: readonly Uint8Array[], writeLength: WriteLength): void {
  writeLength(
    writer,
    parts.reduce((sum, { length }) => sum + length, 0),
  )
  for (const part of parts) writePart(writer, part)
}

function writePart(writer: Writer, part: Uint8Array): void {
  if (writer.apart && part.length >= apartFromBytes) {
    writer.apart.push({ cut: writer.at, bytes: part })
    return
  }
  const at = advance(writer, part.length)
  writer.bytes.set(part, at)
}

/**
 * Runs `write` and puts the number of bytes it wrote before them. One byte is left for it, nearly always enough; otherwise what
 * was written moves up.
 */
export function writeSized(writer: Writer, write: () => void): void {
  const before = advance(writer, 1)
  // What is counted and moved has to be in the buffer.
  const { apart } = writer
  writer.apart = undefined
  write()
  writer.apart = apart
  const size = writer.at - before - 1
  const extra = uvarintBytes(size) - 1
  if (extra > 0) {
    advance(writer, extra)
    writer.bytes.copyWithin(before + 1 + extra, before + 1, before + 1 + size)
  }
  writer.at = before
  writeUvarint(writer, size)
  writer.at = before + 1 + extra + size
}
