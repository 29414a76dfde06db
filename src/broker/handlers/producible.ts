import { KafkaError } from '../../protocol/errors.ts'
import { readBatchHeader } from '../../protocol/records/batch.ts'

/** zstd came with this version of Produce (KIP-110). */
const zstdVersion = 7
const magicAt = 16

/**
 * The records of one partition, of which the request itself asks that they are exactly one batch of magic 2 (Kafka's
 * `ProduceRequest.validateRecords`). What is in it, the log checks.
 * @throws KafkaError INVALID_RECORD, UNSUPPORTED_COMPRESSION_TYPE, CORRUPT_MESSAGE
 */
export function requireProducible(records: Uint8Array | null, version: number): Uint8Array {
  if (records === null || records.length === 0) throw invalid('must have at least one record batch per partition')
  if (records.length > magicAt && records[magicAt] !== 2) throw invalid('may hold only record batches of magic 2')
  const { totalBytes, compression } = readBatchHeader(records)
  if (totalBytes !== records.length) throw invalid('must hold exactly one record batch per partition')
  if (compression === 'zstd' && version < zstdVersion) {
    throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', `zstd needs version ${zstdVersion} of produce requests`)
  }
  return records
}

const invalid = (what: string) => new KafkaError('INVALID_RECORD', `produce requests ${what}`)
