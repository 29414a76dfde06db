/** Both stores in memory: for tests, for `--memory`, and for the simulator. Nothing here waits for anything but promises. */
import { unmetered } from '../meter.ts'
import type { Stores } from '../stores.ts'
import { embeddedItems } from './items.ts'
import { memoryObjects } from './memory-objects.ts'
import { memoryRows } from './memory-rows.ts'

/** Fresh, empty stores. `now` gives objects their modification time, in milliseconds. */
export function memoryStores(now: () => number = () => 0): Stores {
  return { items: embeddedItems(memoryRows()), objects: memoryObjects(now, unmetered), close: async () => {} }
}
