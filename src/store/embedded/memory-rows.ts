import type { Item, Query, Row } from '../items.ts'
import type { Rows } from './rows.ts'
import { type SortedMap, sortedMap } from './sorted-map.ts'

function range(partition: SortedMap<Item>, { from, to, reverse, limit }: Query): Row[] {
  const start = from === undefined ? 0 : partition.position(from)
  // `to` itself belongs to the range, where it exists.
  const beyond =
    to === undefined ? partition.keys.length : partition.position(to) + (partition.get(to) === undefined ? 0 : 1)
  const keys = reverse
    ? partition.keys.slice(Math.max(start, beyond - limit), Math.max(start, beyond)).reverse()
    : partition.keys.slice(start, Math.min(beyond, start + limit))
  return keys.flatMap((sk) => {
    const item = partition.get(sk)
    return item ? [{ sk, item }] : []
  })
}

export function memoryRows(): Rows {
  const partitions = new Map<string, SortedMap<Item>>()
  return {
    get: (keys) => keys.map(({ pk, sk }) => partitions.get(pk)?.get(sk)),
    range(query) {
      const partition = partitions.get(query.pk)
      return partition ? range(partition, query) : []
    },
    write(batch) {
      for (const { key, item } of batch) {
        const partition = partitions.get(key.pk) ?? sortedMap<Item>()
        if (item) partitions.set(key.pk, partition)
        if (item) partition.set(key.sk, item)
        else partition.delete(key.sk)
        if (partition.keys.length === 0) partitions.delete(key.pk)
      }
    },
  }
}
