import { configValue } from '../../log/topic-configs.ts'
import type { Topic } from '../../log/topics.ts'
import { encodeBatch, type NewRecord } from '../../protocol/records/batch.ts'

/** More than any record's framing: lengths, deltas, counts as varints. */
const framingBytes = 32
const headerFramingBytes = 10
const batchHeaderBytes = 61
/** As large as a batch may usefully get: readers decode whole ones. */
const batchBytesMax = 1024 * 1024

/**
 * The records as batches, one after the other. As a Kafka producer does, several batches are made where one would be larger than
 * the topic takes; a record that is too large by itself stays alone in a batch, for the log to refuse.
 */
export function encodeBatches(topic: Topic, records: readonly NewRecord[]): Uint8Array {
  const limit = Math.min(batchBytesMax, Number(configValue(topic.overrides, 'max.message.bytes')))
  const batches: Uint8Array[] = []
  let batch: NewRecord[] = []
  let bytes = batchHeaderBytes
  for (const record of records) {
    const size = sizeOf(record)
    if (batch.length > 0 && bytes + size > limit) {
      batches.push(encodeBatch(batch))
      batch = []
      bytes = batchHeaderBytes
    }
    batch.push(record)
    bytes += size
  }
  batches.push(encodeBatch(batch))
  const [only] = batches
  return only && batches.length === 1 ? only : Buffer.concat(batches)
}

function sizeOf({ key, value, headers }: NewRecord): number {
  let bytes = framingBytes + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers)
    bytes += headerFramingBytes + Buffer.byteLength(header.key) + (header.value?.length ?? 0)
  return bytes
}
