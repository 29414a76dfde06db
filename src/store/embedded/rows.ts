import type { Item, Key, Query, Row } from '../items.ts'

/** One row as it shall be: `undefined` removes it. */
export type RowWrite = { readonly key: Key; readonly item: Item | undefined }

/**
 * The little that an embedded item store needs below it. Answers may come at once or later. Items handed over in either
 * direction are never changed by anyone; `embeddedItems` copies them at its own door.
 */
export interface Rows {
  /** As `ItemStore.forgets`. */
  readonly forgets?: boolean
  /** Items in the order of the keys. */
  get(keys: readonly Key[]): (Item | undefined)[] | Promise<(Item | undefined)[]>
  /** Rows in order, ends included. */
  range(query: Query): Row[] | Promise<Row[]>
  /** All of it or nothing; durable when it resolves. */
  write(batch: readonly RowWrite[]): void | Promise<void>
}
