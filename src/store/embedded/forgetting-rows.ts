/**
 * Rows that go by themselves once their `ttl` has passed, as in a DynamoDB table with TTL, and at once, which DynamoDB only may do.
 * For stores in memory alone: on disk nothing is saved by it, for a delete costs nothing there.
 */
import type { Key } from '../items.ts'
import type { Rows } from './rows.ts'

/** `now`: in milliseconds. */
export function forgettingRows(rows: Rows, now: () => number): Rows {
  const mortal = new Map<string, { readonly key: Key; readonly ttl: number }>()
  let earliest = Number.POSITIVE_INFINITY
  const forget = () => {
    const seconds = now() / 1_000
    if (seconds < earliest) return
    const dead = [...mortal.values()].filter(({ ttl }) => ttl <= seconds)
    rows.write(dead.map(({ key }) => ({ key, item: undefined })))
    for (const { key } of dead) mortal.delete(JSON.stringify(key))
    earliest = Math.min(Number.POSITIVE_INFINITY, ...[...mortal.values()].map(({ ttl }) => ttl))
  }
  return {
    forgets: true,
    get(keys) {
      forget()
      return rows.get(keys)
    },
    range(query) {
      forget()
      return rows.range(query)
    },
    write(batch) {
      rows.write(batch)
      for (const { key, item } of batch) {
        const ttl = item?.ttl
        if (typeof ttl !== 'number') mortal.delete(JSON.stringify(key))
        else {
          mortal.set(JSON.stringify(key), { key, ttl })
          earliest = Math.min(earliest, ttl)
        }
      }
    },
  }
}
