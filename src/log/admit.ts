/**
 * What may enter a log: the checks that Kafka's broker makes before it appends (LogValidator), on whole record batches. Only
 * headers and checksums are looked at; records are decoded where the topic bounds timestamps from below.
 */
import { KafkaError } from '../protocol/errors.ts'
import { type BatchHeader, checkBatch, decodeBatch, withLogAppendTime } from '../protocol/records/batch.ts'
import { configValue, type TopicConfigs } from './topic-configs.ts'

const noTimestamp = -1

export type Admitted = { readonly records: Uint8Array; readonly count: number; readonly maxTimestampMs: number }

/**
 * @throws KafkaError CORRUPT_MESSAGE, UNSUPPORTED_FOR_MESSAGE_FORMAT, INVALID_RECORD, MESSAGE_TOO_LARGE, INVALID_TIMESTAMP
 */
export async function admit(configs: TopicConfigs, records: Uint8Array, nowMs: number): Promise<Admitted> {
  const maxBytes = Number(configValue(configs, 'max.message.bytes'))
  const appendTime = configValue(configs, 'message.timestamp.type') === 'LogAppendTime'
  const parts: Uint8Array[] = []
  let count = 0
  let maxTimestampMs = -1
  for (let at = 0; at < records.length; ) {
    const header = checkBatch(records, at)
    const batch = records.subarray(at, at + header.totalBytes)
    at += header.totalBytes
    if (header.totalBytes > maxBytes) {
      throw new KafkaError(
        'MESSAGE_TOO_LARGE',
        `a record batch of ${header.totalBytes} bytes exceeds max.message.bytes, which is ${maxBytes}`,
      )
    }
    if (header.isTransactional) throw new KafkaError('INVALID_RECORD', 'transactions are not supported yet')
    if (!appendTime) await checkTimestamps(configs, header, batch, nowMs)
    parts.push(appendTime ? withLogAppendTime(batch, nowMs) : batch)
    count += header.recordCount
    maxTimestampMs = Math.max(maxTimestampMs, appendTime ? nowMs : header.maxTimestampMs)
  }
  if (count === 0) throw new KafkaError('INVALID_RECORD', 'a produce request must hold at least one record')
  const [only] = parts
  return { records: parts.length === 1 && only ? only : Buffer.concat(parts), count, maxTimestampMs }
}

async function checkTimestamps(configs: TopicConfigs, header: BatchHeader, batch: Uint8Array, nowMs: number) {
  const afterMaxMs = Number(configValue(configs, 'message.timestamp.after.max.ms'))
  const beforeMaxMs = Number(configValue(configs, 'message.timestamp.before.max.ms'))
  if (header.maxTimestampMs > nowMs + afterMaxMs) {
    throw new KafkaError(
      'INVALID_TIMESTAMP',
      `timestamp ${header.maxTimestampMs} is more than message.timestamp.after.max.ms (${afterMaxMs}) ahead of the clock`,
    )
  }
  const oldestAllowedMs = nowMs - beforeMaxMs
  if (oldestAllowedMs <= 0) return
  const tooOld = (await decodeBatch(batch)).find(
    ({ timestampMs }) => timestampMs !== noTimestamp && timestampMs < oldestAllowedMs,
  )
  if (tooOld) {
    throw new KafkaError(
      'INVALID_TIMESTAMP',
      `timestamp ${tooOld.timestampMs} is more than message.timestamp.before.max.ms (${beforeMaxMs}) behind the clock`,
    )
  }
}
