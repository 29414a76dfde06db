/** A transaction's parts, for queries and batches, may become visible one after the other: what still looks as it was before. */
import type { Item, Key, Query, Row } from '../src/store/items.ts'

export type Laggards = { readonly key: Key; readonly item: Item | undefined; readonly untilMs: number }[]

/** What was read, as it looks while some of it lags behind. */
export function lagging(laggards: Laggards, nowMs: number) {
  const still = laggards.filter(({ untilMs }) => untilMs > nowMs)
  laggards.splice(0, laggards.length, ...still)
  const behind = (key: Key) => still.find((one) => one.key.pk === key.pk && one.key.sk === key.sk)
  return {
    gets: (keys: readonly Key[], items: readonly (Item | undefined)[]): readonly (Item | undefined)[] =>
      items.map((item, at) => {
        const key = keys[at]
        const old = key && behind(key)
        return old ? old.item : item
      }),
    rows: (query: Query, rows: readonly Row[]): readonly Row[] =>
      rows.flatMap((row) => {
        const old = behind({ pk: query.pk, sk: row.sk })
        if (!old) return [row]
        return old.item ? [{ sk: row.sk, item: old.item }] : []
      }),
  }
}
