import { compareUtf8 } from '../values.ts'

/** A map whose keys are kept in the order of their UTF-8 bytes. Cheapest where keys arrive in order. */
export type SortedMap<T> = {
  get(key: string): T | undefined
  set(key: string, value: T): void
  delete(key: string): void
  /** The keys, in order. Not to be kept across a change. */
  readonly keys: readonly string[]
  /** The position of the first key that is not below `key`. */
  position(key: string): number
}

export function sortedMap<T>(): SortedMap<T> {
  const values = new Map<string, T>()
  const keys: string[] = []

  const position = (key: string) => {
    let low = 0
    let high = keys.length
    const last = keys[high - 1]
    if (last === undefined || compareUtf8(last, key) < 0) return high
    while (low < high) {
      const middle = (low + high) >>> 1
      // Never '' in fact: `middle` is below the length.
      if (compareUtf8(keys[middle] ?? '', key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    get: (key) => values.get(key),
    set(key, value) {
      if (!values.has(key)) keys.splice(position(key), 0, key)
      values.set(key, value)
    },
    delete(key) {
      if (values.delete(key)) keys.splice(position(key), 1)
    },
    keys,
    position,
  }
}
