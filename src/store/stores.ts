import type { ItemStore } from './items.ts'
import type { ObjectStore } from './objects.ts'

/** Both ports of one deployment. `close` flushes and releases what they hold. */
export type Stores = { readonly items: ItemStore; readonly objects: ObjectStore; close(): Promise<void> }
