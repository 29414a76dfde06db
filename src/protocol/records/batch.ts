/** Kafka's RecordBatch, magic 2 (KIP-98): the form in which records lie in the log, from the first door to the last. */
export { checkBatch } from './check.ts'
export { decodeBatch } from './decode.ts'
export { encodeBatch } from './encode.ts'
export { type BatchHeader, batchesIn, type Compression, readBatchHeader } from './header.ts'
export { putOffsets, withLogAppendTime, withOffsets } from './patch.ts'
export type { NewRecord, RecordHeader, StoredRecord } from './record.ts'
