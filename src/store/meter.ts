/**
 * What each store call cost, told by the adapters as it happens: the source of request logs, CloudWatch metrics and `bench:cost`.
 */

/** One call that reached a store. Units are DynamoDB's (1 write unit: 1 KB of item size; 1 read unit: 4 KB, consistent). */
export type StoreUse = {
  readonly store: 'items' | 'objects'
  readonly call: 'get' | 'batchGet' | 'query' | 'update' | 'delete' | 'transact' | 'put' | 'list'
  readonly readUnits: number
  readonly writeUnits: number
  /** Payload bytes that went in or came out. */
  readonly bytes: number
  readonly outcome: 'ok' | 'condition-failed' | 'throttled' | 'failed' | 'unknown'
}

export type Meter = (use: StoreUse) => void

export const unmetered: Meter = () => {}

/** Tells two meters. */
export const both =
  (first: Meter, second: Meter): Meter =>
  (use) => {
    first(use)
    second(use)
  }
