/** Records on their way out: from batches to the JSON text of the contract, within what one reply may hold. */
import { decodeBatch, readBatchHeader, type StoredRecord } from '../protocol/records/batch.ts'
import { HttpError } from './errors.ts'
import { replyBytesMax, replyBytesWanted } from './limits.ts'
import { type EmbeddedFormat, embeddedType } from './media-types.ts'
import type { HttpReply } from './request.ts'
import { wiredBytes } from './wired.ts'

/** What has been handed out so far; filled partition after partition. */
export type Handed = {
  readonly format: EmbeddedFormat
  /** Key and value bytes that the caller wants at most; one record may be larger. */
  readonly bytesMax: number
  readonly countMax: number
  readonly texts: string[]
  bytes: number
  replyBytes: number
  full: boolean
  /** Why a record could not be handed out; an error of the whole call where nothing else was. */
  refusal: HttpError | undefined
}

export const handOut = (format: EmbeddedFormat, bytesMax: number, countMax = Number.MAX_SAFE_INTEGER): Handed => ({
  format,
  bytesMax,
  countMax,
  texts: [],
  bytes: 0,
  replyBytes: 2,
  full: countMax === 0,
  refusal: undefined,
})

type Source = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly batches: readonly Uint8Array[]
}

/**
 * Hands out a partition's records from `offset` on, until the batches end or the reply is full, and returns the offset to go on
 * with. Transaction markers are passed over. A record that cannot be given in the asked form ends the partition's turn, so that
 * nothing is ever skipped unseen.
 */
export async function handOutFrom(handed: Handed, { topic, partition, offset, batches }: Source): Promise<number> {
  let next = offset
  for (const batch of batches) {
    if (handed.full) return next
    const header = readBatchHeader(batch)
    const after = header.baseOffset + header.lastOffsetDelta + 1
    if (after <= next) continue
    const records = header.isControl ? [] : await decodeBatch(batch)
    for (const record of records) {
      if (record.offset < next) continue
      if (handed.full || !handOutRecord(handed, topic, partition, record)) return next
      next = record.offset + 1
    }
    next = Math.max(next, after)
  }
  return next
}

/** Whether the record went out. The first one does, however large, as long as Lambda can carry it. */
function handOutRecord(handed: Handed, topic: string, partition: number, record: StoredRecord): boolean {
  const place = `The record at offset ${record.offset} of ${topic}-${partition}`
  const refuse = (kind: 'notJson' | 'tooLarge', reason: string) => {
    handed.refusal ??= new HttpError(kind, `${place} ${reason}`)
    return false
  }
  const text = handed.format === 'json' ? jsonRecord(topic, partition, record) : binaryRecord(topic, partition, record)
  if (text === undefined)
    return refuse('notJson', `is not JSON: read it with ${embeddedType('binary')}, or seek past it.`)
  const bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0)
  const replyBytes = Buffer.byteLength(text) + 1
  if (handed.texts.length > 0) {
    handed.full = handed.bytes + bytes > handed.bytesMax || handed.replyBytes + replyBytes > replyBytesWanted
    if (handed.full) return false
  } else if (replyBytes > replyBytesWanted && wiredBytes(text, replyBytes) > replyBytesMax) {
    return refuse(
      'tooLarge',
      'is larger than an HTTP reply takes: read it through the Kafka protocol, or seek past it.',
    )
  }
  handed.texts.push(text)
  handed.bytes += bytes
  handed.replyBytes += replyBytes
  handed.full = handed.texts.length >= handed.countMax
  return true
}

function binaryRecord(topic: string, partition: number, record: StoredRecord): string {
  const base64 = (bytes: Uint8Array | null) => (bytes === null ? 'null' : `"${toBase64(bytes)}"`)
  return written(topic, partition, record, base64(record.key), base64(record.value))
}

/** `undefined`: key or value is not JSON. Stored text goes out as it is, so that no digit is lost. */
function jsonRecord(topic: string, partition: number, record: StoredRecord): string | undefined {
  const key = jsonText(record.key)
  const value = jsonText(record.value)
  return key === undefined || value === undefined ? undefined : written(topic, partition, record, key, value)
}

function jsonText(bytes: Uint8Array | null): string | undefined {
  if (bytes === null) return 'null'
  try {
    // A byte order mark is no JSON; the decoder would swallow it.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    JSON.parse(text)
    return text
  } catch {
    return undefined
  }
}

function written(topic: string, partition: number, record: StoredRecord, key: string, value: string): string {
  const headers = record.headers.map((header) => ({
    key: header.key,
    value: header.value === null ? null : toBase64(header.value),
  }))
  const { offset, timestampMs } = record
  const rest = `"partition":${partition},"offset":${offset},"timestamp":${timestampMs},"headers":${JSON.stringify(headers)}`
  return `{"topic":${JSON.stringify(topic)},"key":${key},"value":${value},${rest}}`
}

const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

/** The reply with all that was handed out. @throws HttpError where that is nothing because a record was refused. */
export function recordsReply({ format, texts, refusal }: Handed): HttpReply {
  if (texts.length === 0 && refusal) throw refusal
  return { status: 200, headers: { 'content-type': embeddedType(format) }, body: `[${texts.join(',')}]` }
}
