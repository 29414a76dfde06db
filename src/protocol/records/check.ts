import { KafkaError } from '../errors.ts'
import { crc32c } from './crc32c.ts'
import { type BatchHeader, layout, readBatchHeader } from './header.ts'
import { corrupt } from './varint.ts'

/**
 * Checks the batch at `at` as a broker does before it appends: format, lengths, CRC-32C, and what only a producer must hold. Never
 * decompresses, never looks at a record. Returns the header.
 *
 * `origin` says who wrote it: a `producer`'s batch has as many records as offsets, holds no transaction marker, and numbers its
 * records if it has a producer id; in the `log`, compaction may have left fewer records and markers are at home.
 *
 * Throws UNSUPPORTED_FOR_MESSAGE_FORMAT (magic other than 2), CORRUPT_MESSAGE (lengths, CRC; a client may send again),
 * INVALID_TIMESTAMP and INVALID_RECORD (sound bytes that say something forbidden; sending again cannot help).
 */
export function checkBatch(bytes: Uint8Array, at = 0, origin: 'producer' | 'log' = 'producer'): BatchHeader {
  const header = readBatchHeader(bytes, at)
  const crc = crc32c(bytes, at + layout.attributes, at + header.totalBytes)
  if (crc !== header.crc)
    throw corrupt(`the CRC-32C of a record batch is ${hex(crc)}, but it claims ${hex(header.crc)}`)
  if (origin === 'producer') checkProducerBatch(header)
  else if (header.lastOffsetDelta < 0 || header.recordCount < 0 || header.recordCount > header.lastOffsetDelta + 1) {
    throw corrupt(
      `a record batch with ${header.recordCount} records cannot have the last offset delta ${header.lastOffsetDelta}`,
    )
  }
  return header
}

/** The same refusals as in Kafka's `LogValidator.validateBatch`. */
function checkProducerBatch({ recordCount, lastOffsetDelta, isControl, producerId, baseSequence }: BatchHeader): void {
  if (recordCount < 1) throw invalid(`a record batch must hold at least one record, not ${recordCount}`)
  if (recordCount !== lastOffsetDelta + 1) {
    throw invalid(
      `a record batch with ${recordCount} records must have the last offset delta ${recordCount - 1}, not ${lastOffsetDelta}`,
    )
  }
  if (isControl) throw invalid('clients may not write control records')
  if (producerId >= 0 && baseSequence < 0)
    throw invalid(`a batch of producer ${producerId} has the sequence ${baseSequence}`)
}

const invalid = (message: string) => new KafkaError('INVALID_RECORD', message)
const hex = (crc: number) => crc.toString(16).padStart(8, '0')
