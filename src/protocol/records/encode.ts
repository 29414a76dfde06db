import { KafkaError } from '../errors.ts'
import { crc32c } from './crc32c.ts'
import { layout, viewOf } from './header.ts'
import type { NewRecord } from './record.ts'
import { type Cursor, varintBytes, writeVarint, writeVarlong } from './varint.ts'

const int32Max = 2 ** 31 - 1

/**
 * One uncompressed batch of magic 2 with CreateTime: base offset 0, no producer id, no leader epoch. The bytes are those of
 * Kafka's Java client for the same records. Throws INVALID_TIMESTAMP for a timestamp below -1 or out of reach,
 * RECORD_LIST_TOO_LARGE beyond 2 GiB, and RangeError for no records.
 */
export function encodeBatch(records: readonly NewRecord[]): Uint8Array {
  const [first] = records
  if (first === undefined) throw new RangeError('a batch needs at least one record')
  const baseTimestamp = first.timestampMs
  let maxTimestamp = baseTimestamp
  let total: number = layout.records
  const bodySizes = records.map((record, index) => {
    const { timestampMs } = record
    const delta = timestampMs - baseTimestamp
    if (!Number.isSafeInteger(timestampMs) || timestampMs < -1 || !Number.isSafeInteger(delta)) {
      throw new KafkaError('INVALID_TIMESTAMP', `${timestampMs} is no time in milliseconds`)
    }
    if (timestampMs > maxTimestamp) maxTimestamp = timestampMs
    const size = bodyBytes(record, delta, index)
    total += varintBytes(size) + size
    return size
  })
  if (total > int32Max) throw new KafkaError('RECORD_LIST_TOO_LARGE', `a batch of ${total} bytes is larger than 2 GiB`)

  const bytes = new Uint8Array(total)
  const cursor: Cursor = { bytes, at: layout.records, end: total }
  for (const [index, record] of records.entries()) {
    writeVarint(cursor, bodySizes[index] ?? 0)
    writeBody(cursor, record, record.timestampMs - baseTimestamp, index)
  }
  writeHeader(bytes, records.length, baseTimestamp, maxTimestamp)
  return bytes
}

function writeHeader(bytes: Uint8Array, count: number, baseTimestamp: number, maxTimestamp: number): void {
  const view = viewOf(bytes)
  view.setInt32(layout.length, bytes.length - layout.partitionLeaderEpoch)
  view.setInt32(layout.partitionLeaderEpoch, -1)
  view.setInt8(layout.magic, 2)
  view.setInt32(layout.lastOffsetDelta, count - 1)
  view.setBigInt64(layout.baseTimestamp, BigInt(baseTimestamp))
  view.setBigInt64(layout.maxTimestamp, BigInt(maxTimestamp))
  view.setBigInt64(layout.producerId, -1n)
  view.setInt16(layout.producerEpoch, -1)
  view.setInt32(layout.baseSequence, -1)
  view.setInt32(layout.recordCount, count)
  view.setUint32(layout.crc, crc32c(bytes, layout.attributes))
}

/** Attributes (one byte, unused), timestamp delta, offset delta, key, value, headers. */
function bodyBytes(record: NewRecord, timestampDelta: number, offsetDelta: number): number {
  let size =
    1 + varintBytes(timestampDelta) + varintBytes(offsetDelta) + blobBytes(record.key) + blobBytes(record.value)
  size += varintBytes(record.headers.length)
  for (const { key, value } of record.headers) {
    const keyBytes = Buffer.byteLength(key)
    size += varintBytes(keyBytes) + keyBytes + blobBytes(value)
  }
  return size
}

function writeBody(cursor: Cursor, record: NewRecord, timestampDelta: number, offsetDelta: number): void {
  cursor.bytes[cursor.at++] = 0
  writeVarlong(cursor, timestampDelta)
  writeVarint(cursor, offsetDelta)
  writeBlob(cursor, record.key)
  writeBlob(cursor, record.value)
  writeVarint(cursor, record.headers.length)
  for (const { key, value } of record.headers) {
    writeBlob(cursor, Buffer.from(key))
    writeBlob(cursor, value)
  }
}

const blobBytes = (blob: Uint8Array | null): number => (blob === null ? 1 : varintBytes(blob.length) + blob.length)

function writeBlob(cursor: Cursor, blob: Uint8Array | null): void {
  if (blob === null) {
    writeVarint(cursor, -1)
    return
  }
  writeVarint(cursor, blob.length)
  cursor.bytes.set(blob, cursor.at)
  cursor.at += blob.length
}
