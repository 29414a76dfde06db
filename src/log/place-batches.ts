import { readBatchHeader } from '../protocol/records/batch.ts'
import { layout, viewOf } from '../protocol/records/header.ts'
import type { SpanWriter } from './spans.ts'

/**
 * Writes their true offsets, from `start` on without gaps, into the batches themselves: they lie outside the checksum. Gives the offset
 * that comes next. @throws KafkaError where the bytes are no whole batches
 */
export function placeBatches(bytes: Uint8Array, start: number, spans: SpanWriter): number {
  const view = viewOf(bytes)
  let base = start
  for (let at = 0; at < bytes.length; ) {
    const { totalBytes, lastOffsetDelta, maxTimestampMs } = readBatchHeader(bytes, at)
    view.setBigInt64(at + layout.baseOffset, BigInt(base))
    spans.add({ baseOffset: base, bytes: totalBytes, maxTimestampMs })
    base += lastOffsetDelta + 1
    at += totalBytes
  }
  return base
}

/** Tells the index of batches that bear their true offsets already. @throws KafkaError as above */
export function recordBatches(bytes: Uint8Array, spans: SpanWriter): void {
  for (let at = 0; at < bytes.length; ) {
    const { totalBytes, baseOffset, maxTimestampMs } = readBatchHeader(bytes, at)
    spans.add({ baseOffset, bytes: totalBytes, maxTimestampMs })
    at += totalBytes
  }
}
