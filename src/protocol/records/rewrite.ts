/** Batches looked into record by record without making an object of each, and written anew with fewer of them: for compaction. */
import { checkBatch } from './check.ts'
import { compress, decompress } from './compression.ts'
import { crc32c } from './crc32c.ts'
import { attribute, type BatchHeader, layout, viewOf } from './header.ts'
import {
  type Cursor,
  corrupt,
  readByte,
  readVarint,
  readVarlong,
  take,
  varintBytes,
  writeVarint,
  writeVarlong,
} from './varint.ts'

const blockBytesMax = 64 * 1024 * 1024

/** One batch of the log and its records, decompressed. */
export type OpenBatch = { readonly bytes: Uint8Array; readonly header: BatchHeader; readonly block: Uint8Array }

/** Where a record lies in the block, from its length on, and what compaction asks of it. */
export type Skimmed = {
  from: number
  to: number
  offset: number
  timestampMs: number
  /** -1 where it has no key. */
  keyFrom: number
  keyTo: number
  isTombstone: boolean
}

/** `bytes`: exactly one batch. @throws KafkaError CORRUPT_MESSAGE, MESSAGE_TOO_LARGE where it holds more than 64 MiB */
export async function openBatch(bytes: Uint8Array): Promise<OpenBatch> {
  const header = checkBatch(bytes, 0, 'log')
  const packed = bytes.subarray(layout.records, header.totalBytes)
  const { compression } = header
  const block = compression === 'none' ? packed : await decompress(compression, packed, blockBytesMax)
  return { bytes, header, block }
}

/** Shows each record in order, in an object that is used again for the next, until one answers `false`. @throws KafkaError CORRUPT_MESSAGE */
export function skimRecords({ header, block }: OpenBatch, visit: (record: Readonly<Skimmed>) => boolean): void {
  const cursor: Cursor = { bytes: block, at: 0, end: block.length }
  const record: Skimmed = { from: 0, to: 0, offset: 0, timestampMs: 0, keyFrom: -1, keyTo: -1, isTombstone: false }
  for (let index = 0; index < header.recordCount; index++) {
    record.from = cursor.at
    const size = readVarint(cursor)
    if (size < 0) throw corrupt(`a record cannot have ${size} bytes`)
    const body = cursor.at
    record.to = take(cursor, size) + size
    cursor.at = body
    readByte(cursor)
    const created = header.baseTimestampMs + readVarlong(cursor)
    record.timestampMs = header.timestampType === 'LogAppendTime' ? header.maxTimestampMs : created
    record.offset = header.baseOffset + readVarint(cursor)
    const keyBytes = readVarint(cursor)
    record.keyFrom = keyBytes < 0 ? -1 : take(cursor, keyBytes)
    record.keyTo = record.keyFrom + keyBytes
    record.isTombstone = readVarint(cursor) < 0
    if (cursor.at > record.to) throw corrupt('a record ends before its value begins')
    cursor.at = record.to
    if (!visit(record)) return
  }
}

/**
 * The batch with those records only that are kept, at the same offsets, under the same producer and codec: Kafka's
 * `MemoryRecords.filterTo`. The very bytes where nothing changes; a header alone where nothing is kept, with the greatest timestamp
 * that there was, so that retention takes it for no younger than it is.
 * @param horizonMs when its tombstones may go, to be written into it
 */
export async function rewriteBatch(
  batch: OpenBatch,
  keep: (record: Readonly<Skimmed>) => boolean,
  horizonMs = batch.header.deleteHorizonMs,
): Promise<Uint8Array> {
  const { header, bytes } = batch
  const kept = keptRecords(batch, keep, horizonMs)
  if (kept.count === 0) return header.recordCount === 0 ? bytes : writeBatch(batch, undefined, kept, undefined)
  if (kept.count === header.recordCount && horizonMs === header.deleteHorizonMs) return bytes
  const packed = header.compression === 'none' ? kept.block : await compress(header.compression, kept.block)
  return writeBatch(batch, packed, kept, horizonMs)
}

type Kept = { block: Uint8Array; count: number; maxTimestampMs: number }

/** A horizon takes the place of the base timestamp, which all records' timestamps are told from. */
function keptRecords(batch: OpenBatch, keep: (record: Readonly<Skimmed>) => boolean, horizonMs?: number): Kept {
  const { header, block } = batch
  const shiftMs = horizonMs === undefined ? 0 : header.baseTimestampMs - horizonMs
  // A timestamp's difference may take nine bytes more, and the record's length some, too.
  const into = new Uint8Array(block.length + (shiftMs === 0 ? 0 : header.recordCount * 12))
  const out: Cursor = { bytes: into, at: 0, end: into.length }
  let [count, maxTimestampMs] = [0, -1]
  skimRecords(batch, (record) => {
    if (!keep(record)) return true
    count++
    maxTimestampMs = Math.max(maxTimestampMs, record.timestampMs)
    if (shiftMs === 0) {
      into.set(block.subarray(record.from, record.to), out.at)
      out.at += record.to - record.from
    } else copyShifted(block, record, shiftMs, out)
    return true
  })
  return { block: into.subarray(0, out.at), count, maxTimestampMs }
}

function copyShifted(block: Uint8Array, { from, to }: Readonly<Skimmed>, shiftMs: number, out: Cursor): void {
  const cursor: Cursor = { bytes: block, at: from, end: to }
  readVarint(cursor)
  const attributes = readByte(cursor)
  const deltaMs = readVarlong(cursor) + shiftMs
  const rest = block.subarray(cursor.at, to)
  writeVarint(out, 1 + varintBytes(deltaMs) + rest.length)
  out.bytes[out.at++] = attributes
  writeVarlong(out, deltaMs)
  out.bytes.set(rest, out.at)
  out.at += rest.length
}

function writeBatch(
  { bytes, header }: OpenBatch,
  packed: Uint8Array | undefined,
  { count, maxTimestampMs }: Kept,
  horizonMs: number | undefined,
): Uint8Array {
  const out = new Uint8Array(layout.records + (packed?.length ?? 0))
  out.set(bytes.subarray(0, layout.records))
  if (packed) out.set(packed, layout.records)
  const view = viewOf(out)
  view.setInt32(layout.length, out.length - layout.partitionLeaderEpoch)
  view.setInt32(layout.recordCount, count)
  const attributes = view.getInt16(layout.attributes)
  if (horizonMs !== undefined) {
    view.setInt16(layout.attributes, attributes | attribute.deleteHorizon)
    view.setBigInt64(layout.baseTimestamp, BigInt(horizonMs))
  }
  if (!packed) view.setInt16(layout.attributes, attributes & ~attribute.compression & ~attribute.deleteHorizon)
  if (packed && header.timestampType === 'CreateTime') view.setBigInt64(layout.maxTimestamp, BigInt(maxTimestampMs))
  view.setUint32(layout.crc, crc32c(out, layout.attributes))
  return out
}
