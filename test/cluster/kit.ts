import type { Clock } from '../../src/runtime/clock.ts'
import type { Core } from '../../src/runtime/core.ts'
import { freshMemory } from '../../src/runtime/memory.ts'
import { defaultSettings } from '../../src/runtime/settings.ts'
import { systemRandom } from '../../src/runtime/system.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { ItemStore, Key, Update, Written } from '../../src/store/items.ts'
import { virtualTime } from '../groups/time.ts'

/** Processes over one store, whose time passes only where a test says so. Each has an uptime of its own. */
export function newWorld() {
  const stores = memoryStores()
  const time = virtualTime()
  let processes = 0
  const process = (items: ItemStore = stores.items, wallAheadMs?: number): Core => {
    // Uptimes begin anywhere, and wall clocks are hours apart: nothing may compare two of them.
    const nth = ++processes
    const aheadMs = wallAheadMs ?? nth * 3_600_000
    const clock: Clock = {
      now: () => time.clock.now() + aheadMs,
      uptime: () => time.clock.now() - Date.UTC(2026, 0, 1) + nth * 1_000_003,
      sleep: time.clock.sleep,
    }
    const memory = freshMemory(defaultSettings.cacheBytes)
    return { items, objects: stores.objects, clock, random: systemRandom, settings: defaultSettings, memory }
  }
  return { ...time, stores, process }
}

export type Trouble = 'none' | 'request lost' | 'answer lost' | 'unreachable' | 'silent'

/** The store over a network in the given trouble. What was lost on the way may come late: `late`. */
export function badNetwork(items: ItemStore) {
  const state: { trouble: Trouble } = { trouble: 'none' }
  const late: (() => Promise<Written>)[] = []
  const reachable = async <T>(call: () => Promise<T>): Promise<T> => {
    if (state.trouble === 'unreachable') throw new StoreError('unavailable', 'no route')
    if (state.trouble === 'silent') await new Promise<never>(() => {})
    return call()
  }
  const update = async (key: Key, change: Update): Promise<Written> => {
    const { trouble } = state
    if (trouble === 'request lost' || trouble === 'answer lost') {
      late.push(() => items.update(key, change))
      if (trouble === 'answer lost') await items.update(key, change)
      throw new StoreError('unknown-outcome', 'time-out')
    }
    return reachable(() => items.update(key, change))
  }
  const network: ItemStore = {
    get: (key) => reachable(() => items.get(key)),
    batchGet: (keys) => reachable(() => items.batchGet(keys)),
    query: (query) => reachable(() => items.query(query)),
    delete: (key, condition) => reachable(() => items.delete(key, condition)),
    transact: (actions) => reachable(() => items.transact(actions)),
    metered: () => network,
    update,
  }
  return { items: network, state, late }
}
