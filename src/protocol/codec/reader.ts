import { KafkaError } from '../errors.ts'

/** A place in a frame that is being read. Nothing is touched beyond it: every read checks what is left. */
export type Reader = {
  readonly bytes: Buffer
  readonly view: DataView
  at: number
  end: number
  /** How many more elements its arrays may have in all. */
  elementsLeft: number
  /** What is being read, for errors. */
  what: string
}

/**
 * Of all arrays of one message together. An element may take a byte or two on the wire and some hundred in memory; this keeps a
 * large frame of nothing but tiny elements from taking all there is. Kafka's largest clusters stay far below it.
 */
const maxElements = 1_000_000

export function readerOf(bytes: Uint8Array, what: string): Reader {
  const { buffer, byteOffset, byteLength } = bytes
  return {
    bytes: Buffer.from(buffer, byteOffset, byteLength),
    view: new DataView(buffer, byteOffset, byteLength),
    at: 0,
    end: byteLength,
    elementsLeft: maxElements,
    what,
  }
}

/** INVALID_REQUEST: these are not the bytes of such a message. */
export const malformed = (reader: Reader, why: string): KafkaError =>
  new KafkaError('INVALID_REQUEST', `${reader.what}: ${why}`)

/** Moves past `count` bytes and says where they began. */
export function skip(reader: Reader, count: number): number {
  const from = reader.at
  if (count > reader.end - from)
    throw malformed(reader, `ends ${count - (reader.end - from)} bytes after its data does`)
  reader.at = from + count
  return from
}

export const readInt8 = (reader: Reader): number => reader.view.getInt8(skip(reader, 1))
export const readBool = (reader: Reader): boolean => reader.view.getInt8(skip(reader, 1)) !== 0
export const readInt16 = (reader: Reader): number => reader.view.getInt16(skip(reader, 2))
export const readUint16 = (reader: Reader): number => reader.view.getUint16(skip(reader, 2))
export const readInt32 = (reader: Reader): number => reader.view.getInt32(skip(reader, 4))
export const readUint32 = (reader: Reader): number => reader.view.getUint32(skip(reader, 4))
export const readFloat64 = (reader: Reader): number => reader.view.getFloat64(skip(reader, 8))

export function readInt64(reader: Reader): number {
  const at = skip(reader, 8)
  return reader.view.getInt32(at) * 4_294_967_296 + reader.view.getUint32(at + 4)
}

/** At most 5 bytes and 32 bits, as Kafka's `ByteUtils.readUnsignedVarint`. */
export function readUvarint(reader: Reader): number {
  let byte = reader.view.getUint8(skip(reader, 1))
  if (byte < 0x80) return byte
  let value = byte & 0x7f
  for (let shift = 7; ; shift += 7) {
    byte = reader.view.getUint8(skip(reader, 1))
    if (shift === 28 && byte > 0x0f) throw malformed(reader, 'a variable-length number holds more than 32 bits')
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return value >>> 0
  }
}

export const readUuid = (reader: Reader): string => {
  const at = skip(reader, 16)
  return reader.bytes.toString('base64url', at, at + 16)
}

/** A length in the compact form (one more than it, 0 for null) or as int16 or int32: -1 for null, otherwise not negative. */
export type ReadLength = (reader: Reader) => number
export const readCompactLength: ReadLength = (reader) => readUvarint(reader) - 1
export const readLength16: ReadLength = (reader) => checked(reader, readInt16(reader))
export const readLength32: ReadLength = (reader) => checked(reader, readInt32(reader))

function checked(reader: Reader, length: number): number {
  if (length < -1) throw malformed(reader, `a length of ${length}`)
  return length
}

export function readText(reader: Reader, length: number): string {
  const at = skip(reader, length)
  return length === 0 ? '' : reader.bytes.toString('utf8', at, at + length)
}

export function readBytes(reader: Reader, length: number): Uint8Array {
  const at = skip(reader, length)
  return reader.bytes.subarray(at, at + length)
}
