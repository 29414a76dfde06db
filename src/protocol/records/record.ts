/** A header of a record. Names may repeat and their order is kept (KIP-82). */
export type RecordHeader = { key: string; value: Uint8Array | null }

/** A record to be appended. `timestampMs` is milliseconds since 1970-01-01 UTC, -1 for none. A null value is a tombstone. */
export type NewRecord = {
  timestampMs: number
  key: Uint8Array | null
  value: Uint8Array | null
  headers: readonly RecordHeader[]
}

/** A record that has its place in the log. */
export type StoredRecord = NewRecord & { offset: number }
