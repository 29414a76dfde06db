/**
 * Stores that are read and never changed: what is written lies in this process's memory, over what is stored, and is gone with it. A
 * piece of work that runs over them tells what it would do, by the very code that would do it.
 */
import type { Item, ItemStore, Key, Query, Row } from '../items.ts'
import { limits } from '../limits.ts'
import { type Meter, unmetered } from '../meter.ts'
import { checkObjectKey, checkObjectSize, joined, objectUse } from '../object-rules.ts'
import type { ByteRange, ObjectStore, StoredObject } from '../objects.ts'
import type { Stores } from '../stores.ts'
import { compareUtf8 } from '../values.ts'
import { embeddedItems } from './items.ts'
import type { Rows } from './rows.ts'

/** Of what would be written to the object store the newest is kept, to be read again; what is older is as if it had gone. */
const keptBytesMost = 256 * 1024 * 1024

/** `close` closes the stores below. */
export const dryRunStores = (under: Stores, now: () => number): Stores => ({
  items: embeddedItems(rowsOver(under.items)),
  objects: objectsOver(newLayer(under.objects, now), unmetered),
  close: () => under.close(),
})

function rowsOver(under: ItemStore): Rows {
  const changed = new Map<string, Map<string, Item | undefined>>()
  const isIn = ({ from, to }: Query, sk: string) =>
    (from === undefined || compareUtf8(sk, from) >= 0) && (to === undefined || compareUtf8(sk, to) <= 0)
  return {
    ...(under.forgets ? { forgets: true } : {}),
    async get(keys) {
      const isOurs = ({ pk, sk }: Key) => changed.get(pk)?.has(sk) ?? false
      const theirs = keys.filter((key) => !isOurs(key))
      const found: (Item | undefined)[] = []
      for (let at = 0; at < theirs.length; at += limits.batchGetKeys) {
        found.push(...(await under.batchGet(theirs.slice(at, at + limits.batchGetKeys))))
      }
      return keys.map((key) => (isOurs(key) ? changed.get(key.pk)?.get(key.sk) : found.shift()))
    },
    async range(query) {
      const ours = [...(changed.get(query.pk) ?? [])].filter(([sk]) => isIn(query, sk))
      const hidden = new Set(ours.map(([sk]) => sk))
      const below = await under.query({ ...query, limit: query.limit + hidden.size })
      const rows = below.filter(({ sk }) => !hidden.has(sk))
      for (const [sk, item] of ours) if (item) rows.push({ sk, item })
      const order = (one: Row, other: Row) => compareUtf8(one.sk, other.sk) * (query.reverse ? -1 : 1)
      return rows.sort(order).slice(0, query.limit)
    },
    write(batch) {
      for (const { key, item } of batch) {
        const partition = changed.get(key.pk) ?? new Map<string, Item | undefined>()
        changed.set(key.pk, partition.set(key.sk, item))
      }
    },
  }
}

type Made = { readonly size: number; readonly modifiedMs: number; bytes: Uint8Array | undefined }

type Layer = {
  readonly under: ObjectStore
  readonly now: () => number
  readonly made: Map<string, Made>
  readonly gone: Set<string>
}

const newLayer = (under: ObjectStore, now: () => number): Layer => ({ under, now, made: new Map(), gone: new Set() })

function objectsOver(layer: Layer, meter: Meter): ObjectStore {
  const { under, now, made, gone } = layer
  return {
    async put(key, parts) {
      checkObjectKey(key)
      const size = checkObjectSize(parts)
      const isBelow = !gone.has(key) && (await under.get(key, { start: 0, end: 1 })) !== undefined
      const taken = isBelow || made.has(key)
      if (!taken) made.set(key, { size, modifiedMs: now(), bytes: joined(parts, size) })
      keepTheNewest(made)
      meter(objectUse('put', size, taken ? 'condition-failed' : 'ok'))
      return taken ? 'exists' : 'created'
    },
    async get(key, range) {
      const own = made.get(key)
      const bytes = own ? part(own.bytes, range) : gone.has(key) ? undefined : await under.get(key, range)
      meter(objectUse('get', bytes?.length ?? 0))
      return bytes
    },
    async list(prefix, { after, limit }) {
      const hidden = gone.size
      const below = await under.list(prefix, { ...(after === undefined ? {} : { after }), limit: limit + hidden })
      const found: StoredObject[] = below.filter(({ key }) => !gone.has(key))
      for (const [key, { size, modifiedMs }] of made) {
        const isBeyond = after === undefined || compareUtf8(key, after) > 0
        if (key.startsWith(prefix) && isBeyond) found.push({ key, size, modifiedMs })
      }
      meter(objectUse('list', 0))
      return found.sort((one, other) => compareUtf8(one.key, other.key)).slice(0, limit)
    },
    async delete(keys) {
      for (const key of keys) if (!made.delete(key)) gone.add(key)
      meter(objectUse('delete', 0))
    },
    metered: (also) =>
      objectsOver(layer, (used) => {
        meter(used)
        also(used)
      }),
  }
}

const part = (bytes: Uint8Array | undefined, range: ByteRange | undefined) =>
  bytes?.slice(range?.start ?? 0, range?.end)

function keepTheNewest(made: ReadonlyMap<string, Made>): void {
  let bytes = 0
  for (const one of [...made.values()].reverse()) {
    bytes += one.bytes?.length ?? 0
    if (bytes > keptBytesMost) one.bytes = undefined
  }
}
