import { crc32c } from './crc32c.ts'
import { attribute, layout, readOnlyBatch, viewOf } from './header.ts'

/** A copy of one batch at its place in the log. Both fields lie outside the CRC, which stays as it was. */
export function withOffsets(bytes: Uint8Array, baseOffset: number, leaderEpoch: number): Uint8Array {
  readOnlyBatch(bytes)
  if (!Number.isSafeInteger(baseOffset) || baseOffset < 0) throw new RangeError(`${baseOffset} is no offset`)
  const copy = Uint8Array.from(bytes)
  const view = viewOf(copy)
  view.setBigInt64(layout.baseOffset, BigInt(baseOffset))
  view.setInt32(layout.partitionLeaderEpoch, leaderEpoch)
  return copy
}

/**
 * As `withOffsets`, in the batch's own bytes: for whoever holds what was read from the log, where a batch has one place for ever.
 * Sound to repeat; writes nothing where it is right already.
 */
export function putOffsets(bytes: Uint8Array, baseOffset: number, leaderEpoch: number): Uint8Array {
  if (!Number.isSafeInteger(baseOffset) || baseOffset < 0) throw new RangeError(`${baseOffset} is no offset`)
  const view = viewOf(bytes)
  const base = BigInt(baseOffset)
  if (view.getBigInt64(layout.baseOffset) !== base) view.setBigInt64(layout.baseOffset, base)
  if (view.getInt32(layout.partitionLeaderEpoch) !== leaderEpoch) {
    view.setInt32(layout.partitionLeaderEpoch, leaderEpoch)
  }
  return bytes
}

/**
 * A copy of one batch that was appended at `ms`: every record in it now counts as written then. As Kafka's broker does
 * (`DefaultRecordBatch.setMaxTimestamp`): the type bit and the maximum timestamp change, and with them the CRC; the records'
 * own timestamps stay in the bytes, unread.
 */
export function withLogAppendTime(bytes: Uint8Array, ms: number): Uint8Array {
  readOnlyBatch(bytes)
  if (!Number.isSafeInteger(ms)) throw new RangeError(`${ms} is no time in milliseconds`)
  const copy = Uint8Array.from(bytes)
  const view = viewOf(copy)
  view.setInt16(layout.attributes, view.getInt16(layout.attributes) | attribute.logAppendTime)
  view.setBigInt64(layout.maxTimestamp, BigInt(ms))
  view.setUint32(layout.crc, crc32c(copy, layout.attributes))
  return copy
}
