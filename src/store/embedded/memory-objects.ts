import type { Meter } from '../meter.ts'
import { checkObjectKey, checkObjectSize, joined, objectUse } from '../object-rules.ts'
import type { ObjectStore } from '../objects.ts'
import { type SortedMap, sortedMap } from './sorted-map.ts'

type Held = { readonly bytes: Uint8Array; readonly modifiedMs: number }

function over(objects: SortedMap<Held>, now: () => number, meter: Meter): ObjectStore {
  return {
    async put(key, parts) {
      checkObjectKey(key)
      const size = checkObjectSize(parts)
      const taken = objects.get(key) !== undefined
      if (!taken) objects.set(key, { bytes: joined(parts, size), modifiedMs: now() })
      meter(objectUse('put', size, taken ? 'condition-failed' : 'ok'))
      return taken ? 'exists' : 'created'
    },
    async get(key, range) {
      checkObjectKey(key)
      const bytes = objects.get(key)?.bytes.slice(range?.start ?? 0, range?.end)
      meter(objectUse('get', bytes?.length ?? 0))
      return bytes
    },
    async list(prefix, { after, limit }) {
      const start = Math.max(objects.position(prefix), after === undefined ? 0 : objects.position(after))
      const found = []
      for (let i = start; i < objects.keys.length && found.length < limit; i++) {
        const key = objects.keys[i] ?? ''
        if (!key.startsWith(prefix)) break
        const held = objects.get(key)
        if (held && key !== after) found.push({ key, size: held.bytes.length, modifiedMs: held.modifiedMs })
      }
      meter(objectUse('list', 0))
      return found
    },
    async delete(keys) {
      keys.forEach(checkObjectKey)
      for (const key of keys) objects.delete(key)
      meter(objectUse('delete', 0))
    },
    metered: (also) =>
      over(objects, now, (used) => {
        meter(used)
        also(used)
      }),
  }
}

/** An object store in memory; `now` is the modification time of what is put. */
export const memoryObjects = (now: () => number, meter: Meter): ObjectStore => over(sortedMap(), now, meter)
