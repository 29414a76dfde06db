import { KafkaError } from '../errors.ts'
import { corrupt } from './varint.ts'

export const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Compression = (typeof compressions)[number]

/**
 * Where the fields of a RecordBatch of magic 2 lie, in bytes from its start; all are big-endian
 * (https://kafka.apache.org/documentation/#recordbatch). The CRC covers everything from `attributes` on, so the base offset and
 * the leader epoch may be patched in place.
 */
export const layout = {
  baseOffset: 0,
  length: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
  records: 61,
} as const

/** Bits of `attributes`. The lowest three are the compression. */
export const attribute = {
  compression: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const

/** What a batch says of itself. Offsets, timestamps and producer id are safe integers; -1 stands for "none" as in Kafka. */
export type BatchHeader = {
  baseOffset: number
  /** Of the whole batch, this header included. */
  totalBytes: number
  partitionLeaderEpoch: number
  magic: number
  /** Unsigned. Stated by the batch, checked by `checkBatch`. */
  crc: number
  compression: Compression
  timestampType: 'CreateTime' | 'LogAppendTime'
  isTransactional: boolean
  /** A transaction marker: written by the broker, never shown to consumers. */
  isControl: boolean
  lastOffsetDelta: number
  baseTimestampMs: number
  maxTimestampMs: number
  producerId: number
  producerEpoch: number
  baseSequence: number
  recordCount: number
  /** When the tombstones in it may go, where compaction has said so (KIP-534): it stands in the place of the base timestamp. */
  deleteHorizonMs?: number
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * Reads the header of the batch that begins at `at`. The whole batch must be there, its records are not looked at and its CRC is
 * not checked. Throws UNSUPPORTED_FOR_MESSAGE_FORMAT for any magic but 2, INVALID_TIMESTAMP for a timestamp beyond 2^53 - 1, and
 * CORRUPT_MESSAGE for everything that cannot be a batch.
 */
export function readBatchHeader(bytes: Uint8Array, at = 0): BatchHeader {
  const there = bytes.length - at
  // The magic lies at the same place in every version, so that it can be told before anything else is believed.
  if (at < 0 || there <= layout.magic) throw corrupt(`${Math.max(0, there)} bytes are too few for a record batch`)
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, there)
  const magic = view.getInt8(layout.magic)
  if (magic !== 2) {
    throw new KafkaError(
      'UNSUPPORTED_FOR_MESSAGE_FORMAT',
      `message format ${magic} is not supported, only 2 (Kafka 0.11 and later)`,
    )
  }
  if (there < layout.records)
    throw corrupt(`${there} bytes are too few for a record batch, whose header alone has ${layout.records}`)
  const totalBytes = layout.partitionLeaderEpoch + view.getInt32(layout.length)
  if (totalBytes < layout.records) throw corrupt(`a record batch cannot have ${totalBytes} bytes`)
  if (totalBytes > there) throw corrupt(`a record batch of ${totalBytes} bytes is cut off after ${there}`)

  const attributes = view.getInt16(layout.attributes)
  const compression = compressions[attributes & attribute.compression]
  if (compression === undefined) throw corrupt(`compression ${attributes & attribute.compression} is unknown`)
  const baseTimestampMs = safeInt64(view, layout.baseTimestamp, 'INVALID_TIMESTAMP', 'base timestamp')
  return {
    baseOffset: safeInt64(view, layout.baseOffset, 'CORRUPT_MESSAGE', 'base offset'),
    totalBytes,
    partitionLeaderEpoch: view.getInt32(layout.partitionLeaderEpoch),
    magic,
    crc: view.getUint32(layout.crc),
    compression,
    timestampType: attributes & attribute.logAppendTime ? 'LogAppendTime' : 'CreateTime',
    isTransactional: (attributes & attribute.transactional) !== 0,
    isControl: (attributes & attribute.control) !== 0,
    lastOffsetDelta: view.getInt32(layout.lastOffsetDelta),
    baseTimestampMs,
    maxTimestampMs: safeInt64(view, layout.maxTimestamp, 'INVALID_TIMESTAMP', 'maximum timestamp'),
    producerId: safeInt64(view, layout.producerId, 'CORRUPT_MESSAGE', 'producer id'),
    producerEpoch: view.getInt16(layout.producerEpoch),
    baseSequence: view.getInt32(layout.baseSequence),
    recordCount: view.getInt32(layout.recordCount),
    ...(attributes & attribute.deleteHorizon ? { deleteHorizonMs: baseTimestampMs } : {}),
  }
}

/** The headers of batches that follow one another without gaps, each with where it begins. Throws as `readBatchHeader` does. */
export function batchesIn(bytes: Uint8Array): (BatchHeader & { at: number })[] {
  const found: (BatchHeader & { at: number })[] = []
  let at = 0
  while (at < bytes.length) {
    const header = readBatchHeader(bytes, at)
    found.push({ ...header, at })
    at += header.totalBytes
  }
  return found
}

/** The header of bytes that must be one batch and nothing more: CORRUPT_MESSAGE otherwise. */
export function readOnlyBatch(bytes: Uint8Array): BatchHeader {
  const header = readBatchHeader(bytes)
  const extra = bytes.length - header.totalBytes
  if (extra > 0) throw corrupt(`${extra} bytes follow a record batch that should stand alone`)
  return header
}

function safeInt64(view: DataView, at: number, error: 'CORRUPT_MESSAGE' | 'INVALID_TIMESTAMP', what: string): number {
  const value = view.getInt32(at) * 2 ** 32 + view.getUint32(at + 4)
  if (!Number.isSafeInteger(value)) throw new KafkaError(error, `the ${what} of a record batch is beyond 2^53 - 1`)
  return value
}
