import { checkBatch } from './check.ts'
import { decompress } from './compression.ts'
import { type BatchHeader, layout, readOnlyBatch } from './header.ts'
import type { RecordHeader, StoredRecord } from './record.ts'
import { type Cursor, corrupt, readByte, readVarint, readVarlong, take } from './varint.ts'

const defaultBytesMax = 64 * 1024 * 1024

/**
 * The records of one batch, decompressed if need be, with their own offsets and timestamps (those of a LogAppendTime batch all
 * have its append time). Transaction markers come out as the records they are: ask the header's `isControl` first. Keys and values
 * are views of `bytes` or of the decompressed block, not copies.
 *
 * `maxBytes` limits the decompressed size: beyond it MESSAGE_TOO_LARGE, before the memory is used. Everything else that is wrong,
 * the CRC too, is CORRUPT_MESSAGE, or what `readBatchHeader` throws.
 */
export async function decodeBatch(bytes: Uint8Array, options: { maxBytes?: number } = {}): Promise<StoredRecord[]> {
  readOnlyBatch(bytes)
  const header = checkBatch(bytes, 0, 'log')
  const packed = bytes.subarray(layout.records)
  if (header.compression === 'none') return readRecords(packed, header)
  return readRecords(await decompress(header.compression, packed, options.maxBytes ?? defaultBytesMax), header)
}

function readRecords(data: Uint8Array, header: BatchHeader): StoredRecord[] {
  // The list grows with what is read: nothing is allocated by a count that only the header vouches for.
  const records: StoredRecord[] = []
  const cursor: Cursor = { bytes: data, at: 0, end: data.length }
  let previousDelta = -1
  for (let index = 0; index < header.recordCount; index++) {
    const size = readVarint(cursor)
    if (size < 0) throw corrupt(`a record cannot have ${size} bytes`)
    const from = take(cursor, size)
    const body: Cursor = { bytes: data, at: from, end: from + size }
    const record = readRecord(body, header)
    if (body.at !== body.end) throw corrupt(`${body.end - body.at} bytes are left over at the end of a record`)
    const delta = record.offset - header.baseOffset
    if (delta <= previousDelta || delta > header.lastOffsetDelta)
      throw corrupt(`the offset delta ${delta} is out of order`)
    previousDelta = delta
    records.push(record)
  }
  if (cursor.at !== cursor.end) throw corrupt(`${cursor.end - cursor.at} bytes are left over after the last record`)
  return records
}

function readRecord(body: Cursor, header: BatchHeader): StoredRecord {
  readByte(body) // Attributes: unused in magic 2.
  const created = header.baseTimestampMs + readVarlong(body)
  const offset = header.baseOffset + readVarint(body)
  if (!Number.isSafeInteger(created) || !Number.isSafeInteger(offset))
    throw corrupt('a record has an offset or time beyond 2^53 - 1')
  const key = readBlob(body)
  const value = readBlob(body)
  const headers = readHeaders(body)
  return {
    offset,
    timestampMs: header.timestampType === 'LogAppendTime' ? header.maxTimestampMs : created,
    key,
    value,
    headers,
  }
}

function readHeaders(body: Cursor): RecordHeader[] {
  const count = readVarint(body)
  if (count < 0) throw corrupt(`a record cannot have ${count} headers`)
  const headers: RecordHeader[] = []
  for (let index = 0; index < count; index++) {
    const key = readBlob(body)
    if (key === null) throw corrupt('a header of a record has no name')
    headers.push({ key: Buffer.from(key.buffer, key.byteOffset, key.length).toString('utf8'), value: readBlob(body) })
  }
  return headers
}

function readBlob(body: Cursor): Uint8Array | null {
  const size = readVarint(body)
  if (size === -1) return null
  if (size < 0) throw corrupt(`a key, value or header cannot have ${size} bytes`)
  const from = take(body, size)
  return body.bytes.subarray(from, from + size)
}
