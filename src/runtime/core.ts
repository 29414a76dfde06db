import type { ItemStore } from '../store/items.ts'
import type { ObjectStore } from '../store/objects.ts'
import type { Clock, Random } from './clock.ts'
import type { Memory } from './memory.ts'
import type { Settings } from './settings.ts'

/**
 * What every function of the core takes first: the two stores, time, chance, settings, and what this process remembers.
 * Built once a process; a front door copies it with metered stores for each request.
 */
export type Core = {
  readonly items: ItemStore
  readonly objects: ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly settings: Settings
  readonly memory: Memory
}
