import { StoreError } from '../../src/store/errors.ts'
import type { ItemStore, Key, Update, Written } from '../../src/store/items.ts'

/** What may happen to one update on its way. */
export type Fate = 'goes well' | 'request lost' | 'answer lost' | 'throttled' | 'answered twice'

/** The store as seen over a network that treats each update of a head as `fate` says. Late copies are kept for `deliverLate`. */
export function overBadNetwork(items: ItemStore, fate: (key: Key, count: number) => Fate) {
  let count = 0
  const late: (() => Promise<Written>)[] = []
  const update = async (key: Key, change: Update): Promise<Written> => {
    if (!key.pk.startsWith('h/')) return items.update(key, change)
    switch (fate(key, count++)) {
      case 'goes well':
        return items.update(key, change)
      case 'request lost':
        late.push(() => items.update(key, change))
        throw new StoreError('unknown-outcome', 'time-out')
      case 'answer lost':
        await items.update(key, change)
        late.push(() => items.update(key, change))
        throw new StoreError('unknown-outcome', 'connection reset')
      case 'throttled':
        throw new StoreError('throttled', 'slow down')
      case 'answered twice':
        await items.update(key, change)
        return items.update(key, change)
    }
  }
  const network: ItemStore = {
    get: (key) => items.get(key),
    batchGet: (keys) => items.batchGet(keys),
    query: (query) => items.query(query),
    delete: (key, condition) => items.delete(key, condition),
    transact: (actions) => items.transact(actions),
    metered: () => network,
    update,
  }
  return { items: network, late }
}
