/**
 * What clients of a simulated cluster sent, saw and committed, in the order it happened. The checker judges this and nothing else;
 * it imports nothing of Millrace, and neither does this file.
 */
import type { BrokerEvent } from './broker-events.ts'
import type { GroupEvent } from './group-events.ts'
import type { KeyedEvent } from './keyed-events.ts'

/** A partition of one creation of a topic: re-created topics have other ids. */
export type Where = { readonly topicId: string; readonly partition: number }

/** A value that a client sent in one request; no two records ever sent have the same value. */
export type Value = string

type At = { readonly atMs: number; readonly client: string }

export type Event = At &
  (
    | GroupEvent
    | BrokerEvent
    | KeyedEvent
    | { readonly kind: 'created'; readonly topic: string; readonly topicId: string; readonly partitions: number }
    /** From when it was answered. */
    | { readonly kind: 'deleted'; readonly topicId: string }
    /** How long records are to be kept after their timestamp; it may hold from when it was asked for. */
    | { readonly kind: 'retention-sent'; readonly attempt: string; readonly topicId: string; readonly ms: number }
    /** From now on it holds, and nothing that was asked for before. */
    | { readonly kind: 'retention-acked'; readonly attempt: string }
    /** One batch for one partition; `attempt` names it in what follows. An idempotent retry has an attempt of its own. */
    | ({
        readonly kind: 'append-sent'
        readonly attempt: string
        readonly values: readonly Value[]
        /** The records' own timestamp, one for the batch; absent where no lookup by time is to be judged by them. */
        readonly timestampMs?: number
        /** Of a producer that numbers its records: the number of the first. In the log they stand in that order. */
        readonly producer?: string
        readonly sequence?: number
      } & Where)
    | { readonly kind: 'append-acked'; readonly attempt: string; readonly baseOffset: number }
    /** Certainly not applied, by the answer. */
    | { readonly kind: 'append-failed'; readonly attempt: string; readonly error: string }
    /** It may have been applied: an unknown outcome, or the server died. */
    | { readonly kind: 'append-unknown'; readonly attempt: string }
    /** What one fetch returned: every record in it from the asked offset on, in the order it came. */
    | ({
        readonly kind: 'read'
        readonly from: number
        readonly records: readonly { readonly offset: number; readonly value: Value }[]
        readonly highWatermark: number
        readonly logStart: number
      } & Where)
    /** A fetch of an offset within the log that failed for good (not a retriable error). */
    | ({ readonly kind: 'read-failed'; readonly from: number; readonly error: string } & Where)
    | ({ readonly kind: 'bounds'; readonly earliest: number; readonly latest: number } & Where)
    /** First offset at or after a time; -1 for none. */
    | ({ readonly kind: 'by-time'; readonly timestampMs: number; readonly offset: number } & Where)
    | ({
        readonly kind: 'commit-sent'
        readonly attempt: string
        readonly group: string
        readonly offset: number
      } & Where)
    | { readonly kind: 'commit-acked'; readonly attempt: string }
    | { readonly kind: 'commit-unknown'; readonly attempt: string }
    | ({ readonly kind: 'committed'; readonly group: string; readonly offset: number | null } & Where)
    /**
     * After everything healed: the whole log as one patient reader sees it, from its start to its end. `complete` is false where it
     * could not get there; `appendable` says whether a last append succeeded.
     */
    | ({
        readonly kind: 'final'
        readonly records: readonly { readonly offset: number; readonly value: Value }[]
        readonly logStart: number
        readonly end: number
        readonly complete: boolean
        readonly appendable: boolean
      } & Where)
    /** After everything healed: blobs that are stored and that nothing names, older than the sweep leaves any. */
    | { readonly kind: 'orphans'; readonly count: number }
    /** After everything healed: what contradicts what in the stores. */
    | { readonly kind: 'verified'; readonly contradictions: readonly string[] }
    /** After everything healed, hours after it was deleted: what is left of a partition, by key. */
    | ({ readonly kind: 'left-behind'; readonly left: readonly string[] } & Where)
  )

export type History = readonly Event[]

/** A broken promise: what was found, in one line, and the events that show it, shortest first. */
export type Anomaly = { readonly name: string; readonly what: string; readonly events: readonly Event[] }
