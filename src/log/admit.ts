/**
 * What may enter a log: the checks that Kafka's broker makes before it appends (LogValidator), on whole record batches. Only
 * headers and checksums are looked at; records are looked through for their timestamps where the topic bounds them from below, and for their
 * keys where it is compacted.
 */
import { KafkaError } from '../protocol/errors.ts'
import { type BatchHeader, checkBatch, withLogAppendTime } from '../protocol/records/batch.ts'
import { openBatch, type Skimmed, skimRecords } from '../protocol/records/rewrite.ts'
import { lastSequenceOf, type ProducerRun } from './producer-state.ts'
import { retentionOf } from './retention.ts'
import { configValue, type TopicConfigs } from './topic-configs.ts'

const noTimestamp = -1
/** An answer's worth: a compressed batch may hold millions. */
const recordsToldMax = 1_000

export type Admitted = {
  readonly records: Uint8Array
  readonly count: number
  readonly maxTimestampMs: number
  /** Who sent them, where that is an idempotent producer. */
  readonly producer?: ProducerRun
}

/** A batch is refused for some of its records (KIP-467): by their place in it; none where it cannot be told. */
export class InvalidRecords extends KafkaError {
  readonly records: readonly number[]

  constructor(error: 'INVALID_RECORD' | 'INVALID_TIMESTAMP', message: string, records: readonly number[]) {
    super(error, message)
    this.records = records
  }
}

/**
 * @throws KafkaError CORRUPT_MESSAGE, UNSUPPORTED_FOR_MESSAGE_FORMAT, INVALID_RECORD, MESSAGE_TOO_LARGE, INVALID_TIMESTAMP
 */
export async function admit(configs: TopicConfigs, records: Uint8Array, nowMs: number): Promise<Admitted> {
  const maxBytes = Number(configValue(configs, 'max.message.bytes'))
  const appendTime = configValue(configs, 'message.timestamp.type') === 'LogAppendTime'
  const { compacts } = retentionOf(configs)
  const parts: Uint8Array[] = []
  let count = 0
  let maxTimestampMs = -1
  let producer: ProducerRun | undefined
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
    if (compacts) await checkKeys(batch)
    producer = sameProducer(header, producer, count)
    parts.push(appendTime ? withLogAppendTime(batch, nowMs) : batch)
    count += header.recordCount
    maxTimestampMs = Math.max(maxTimestampMs, appendTime ? nowMs : header.maxTimestampMs)
  }
  if (count === 0) throw new KafkaError('INVALID_RECORD', 'a produce request must hold at least one record')
  const [only] = parts
  const admitted = { records: parts.length === 1 && only ? only : Buffer.concat(parts), count, maxTimestampMs }
  return producer ? { ...admitted, producer } : admitted
}

/**
 * Who sent the batches up to this one: a partition's batches in one request are all of one idempotent producer, in the order of
 * its sequence, or of none. (Kafka takes only one batch; its door sees to that.)
 */
function sameProducer(header: BatchHeader, producer: ProducerRun | undefined, before: number): ProducerRun | undefined {
  const { producerId, producerEpoch, baseSequence } = header
  const idempotent = producerId >= 0
  if (idempotent && producerEpoch < 0) {
    throw new KafkaError('INVALID_RECORD', `a batch of producer ${producerId} has the epoch ${producerEpoch}`)
  }
  if (before === 0)
    return idempotent ? { id: producerId, epoch: producerEpoch, firstSequence: baseSequence } : undefined
  const goesOn =
    producer !== undefined &&
    producer.id === producerId &&
    producer.epoch === producerEpoch &&
    lastSequenceOf(producer, before + 1) === baseSequence
  if (goesOn || (!producer && !idempotent)) return producer
  throw new KafkaError(
    'INVALID_RECORD',
    'the batches of a request for one partition must be one producer’s, in sequence',
  )
}

/** Nobody could tell which record such a one takes the place of. */
async function checkKeys(batch: Uint8Array): Promise<void> {
  const without = await recordsThat(batch, ({ keyFrom }) => keyFrom < 0)
  if (without.length === 0) return
  const message = `a compacted topic takes no record without a key: the one at ${without[0]} has none`
  throw new InvalidRecords('INVALID_RECORD', message, without)
}

async function checkTimestamps(configs: TopicConfigs, header: BatchHeader, batch: Uint8Array, nowMs: number) {
  const afterMaxMs = Number(configValue(configs, 'message.timestamp.after.max.ms'))
  const beforeMaxMs = Number(configValue(configs, 'message.timestamp.before.max.ms'))
  const [oldestMs, newestMs] = [nowMs - beforeMaxMs, nowMs + afterMaxMs]
  if (header.maxTimestampMs > newestMs) {
    const message = `timestamp ${header.maxTimestampMs} is more than message.timestamp.after.max.ms (${afterMaxMs}) ahead of the clock`
    // What cannot be decoded is refused all the same.
    const ahead = await recordsThat(batch, ({ timestampMs }) => timestampMs > newestMs).catch(() => [])
    throw new InvalidRecords('INVALID_TIMESTAMP', message, ahead)
  }
  if (oldestMs <= 0) return
  const old = await recordsThat(batch, ({ timestampMs }) => timestampMs !== noTimestamp && timestampMs < oldestMs)
  if (old.length === 0) return
  const message = `the timestamp of the record at ${old[0]} is more than message.timestamp.before.max.ms (${beforeMaxMs}) behind the clock`
  throw new InvalidRecords('INVALID_TIMESTAMP', message, old)
}

/** Where they stand in the batch: the first of them. */
async function recordsThat(batch: Uint8Array, are: (record: Readonly<Skimmed>) => boolean): Promise<number[]> {
  const opened = await openBatch(batch)
  const found: number[] = []
  let at = 0
  skimRecords(opened, (record) => {
    if (are(record)) found.push(at)
    at++
    return found.length < recordsToldMax
  })
  return found
}
