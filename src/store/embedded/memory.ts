/** Both stores in memory: for tests, for `--memory`, and for the simulator. Nothing here waits for anything but promises. */
import { unmetered } from '../meter.ts'
import type { Stores } from '../stores.ts'
import { forgettingRows } from './forgetting-rows.ts'
import { embeddedItems } from './items.ts'
import { memoryObjects } from './memory-objects.ts'
import { memoryRows } from './memory-rows.ts'

export type MemoryOptions = {
  /** Items go by themselves as soon as their `ttl` has passed, by `now`: as early as DynamoDB ever does it. */
  readonly forgets?: boolean
}

/** Fresh, empty stores. `now` gives objects their modification time, in milliseconds. */
export function memoryStores(now: () => number = () => 0, { forgets = false }: MemoryOptions = {}): Stores {
  const rows = forgets ? forgettingRows(memoryRows(), now) : memoryRows()
  return { items: embeddedItems(rows), objects: memoryObjects(now, unmetered), close: async () => {} }
}
