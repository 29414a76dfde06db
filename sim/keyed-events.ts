/** What clients of a compacted topic sent and saw. Values are unique, as all others; a value of null is a tombstone. */
import type { Where } from './history.ts'

export type KeyedRecord = { readonly offset: number; readonly key: string; readonly value: string | null }

export type KeyedEvent =
  /** How long tombstones of the topic stay. */
  | { readonly kind: 'keyed-topic'; readonly tombstoneMs: number; readonly topicId: string }
  | ({
      readonly kind: 'keyed-sent'
      readonly attempt: string
      readonly key: string
      readonly value: string | null
    } & Where)
  | { readonly kind: 'keyed-acked'; readonly attempt: string; readonly offset: number }
  /** Not answered, or answered that it may have been applied; or that it was not. */
  | { readonly kind: 'keyed-unknown'; readonly attempt: string }
  /** The log from its start to where it ended when its end was reached, as one reader saw it that began at `beganMs`. */
  | ({
      readonly kind: 'keyed-scan'
      readonly beganMs: number
      readonly beganAt: number
      readonly records: readonly KeyedRecord[]
    } & Where)
  /** After everything healed, a reader did not come to the end. */
  | ({ readonly kind: 'keyed-stuck'; readonly at: number; readonly end: number } & Where)
