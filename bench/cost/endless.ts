/**
 * A log of any length that takes no room: each index entry is computed when it is asked for, as a spill would have written it. What
 * is written over it is kept. For what must not depend on how long a log is.
 */
import { createChunk } from '../../src/log/chunk.ts'
import { newHead, readHead } from '../../src/log/head.ts'
import { chunkKey, headKey, indexPk, type PartitionId } from '../../src/log/keys.ts'
import { createTopic, type Topic } from '../../src/log/topics.ts'
import { readUpkeepOf, saveUpkeep } from '../../src/maintenance/upkeep.ts'
import type { Core } from '../../src/runtime/core.ts'
import { patched } from '../../src/store/embedded/interpret.ts'
import { embeddedItems } from '../../src/store/embedded/items.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { memoryRows } from '../../src/store/embedded/memory-rows.ts'
import type { Rows } from '../../src/store/embedded/rows.ts'
import { type Item, type Query, type Row, set } from '../../src/store/items.ts'
import type { Stores } from '../../src/store/stores.ts'
import { itemOf, nextRef, storeBlobsOf } from './long-log.ts'
import { startMs } from './setup.ts'

/** Requests of one record each that one entry holds. */
export const refsAnEntry = 3
/** Between two records. */
export const recordEveryMs = 60_000
/** Blobs are items: entries of refs alone are computed fast. */
const shape = {
  next: (append: number) => ({ records: 1, valueBytes: 1_024, timestampMs: startMs + append * recordEveryMs }),
}

export type Endless = { readonly topic: Topic; readonly id: PartitionId; readonly end: number }

/** Stores whose items can be told that a partition has so many entries, computed from their numbers. */
export function endlessStores(now: () => number) {
  const kept = memoryRows()
  let computed: Computed | undefined
  const rows: Rows = {
    get: (keys) =>
      Promise.all(
        keys.map(async (key) => (key.pk === computed?.pk && computed.at(key.sk)) || (await kept.get([key]))[0]),
      ),
    async range(query) {
      const below = query.pk === computed?.pk ? computed.range(query) : []
      const above = await kept.range(query)
      // Whatever was written since lies behind all that is computed.
      return (query.reverse ? [...above, ...below] : [...below, ...above]).slice(0, query.limit)
    },
    write(batch) {
      for (const { key, item } of batch) if (key.pk === computed?.pk && !item) computed.remove(key.sk)
      return kept.write(batch)
    },
  }
  const stores: Pick<Stores, 'items' | 'objects'> = { items: embeddedItems(rows), objects: memoryStores(now).objects }
  const make = (id: PartitionId, entries: number) => {
    computed = computedIndex(id, entries)
  }
  return { stores, make }
}

type Computed = ReturnType<typeof computedIndex>

function computedIndex(id: PartitionId, entries: number) {
  const removed = new Set<number>()
  // All before it are.
  let first = 0
  const skOf = (number: number): string => chunkKey(id, number * refsAnEntry).sk
  const row = (number: number): Row => ({
    sk: skOf(number),
    item: patched({}, createChunk(entryNumber(number)).patches),
  })
  const lives = (number: number) => number >= first && number < entries && !removed.has(number)
  /** The first entry whose key is not below this one. */
  const position = (sk: string): number => {
    const near = Math.min(entries, Math.floor(Number.parseInt(sk, 10) / refsAnEntry))
    return near < entries && skOf(near) < sk ? near + 1 : near
  }
  return {
    pk: indexPk(id),
    at(sk: string): Item | undefined {
      const number = position(sk)
      return lives(number) && skOf(number) === sk ? row(number).item : undefined
    },
    range({ from, to, reverse, limit }: Query): Row[] {
      const begin = Math.max(first, from === undefined ? 0 : position(from))
      const reached = to === undefined ? entries : position(to)
      const end = reached < entries && to !== undefined && skOf(reached) === to ? reached + 1 : reached
      const found: Row[] = []
      for (let count = 0; count < end - begin && found.length < limit; count++) {
        const number = reverse ? end - 1 - count : begin + count
        if (lives(number)) found.push(row(number))
      }
      return found
    },
    remove(sk: string): void {
      const number = position(sk)
      if (!lives(number) || skOf(number) !== sk) return
      removed.add(number)
      while (removed.delete(first)) first++
    },
  }
}

const bytesAnEntry = refsOf(0).reduce((sum, { length }) => sum + length, 0)

function refsOf(entry: number) {
  return Array.from({ length: refsAnEntry }, (_, at) => {
    const append = entry * refsAnEntry + at
    // Ten bytes of a name that depends on the number alone.
    const bytes = () => Buffer.from(String(append).padStart(10, '0'))
    // As in a log with time retention: the store forgets these blobs by itself.
    return { ...nextRef({ random: { bytes, below: () => 0 } }, shape, append), ttlVersion: 0 }
  })
}

function entryNumber(number: number) {
  const refs = refsOf(number)
  return {
    base: number * refsAnEntry,
    end: (number + 1) * refsAnEntry,
    refs,
    runningStamp: Math.max(...refs.map(({ stamp }) => stamp)),
    runningTimestampMs: Math.max(...refs.map(({ maxTimestampMs }) => maxTimestampMs)),
  }
}

/** A topic whose one log has so many entries and an empty tail, and nothing that waits to be rolled. */
export async function endlessLog(
  core: Core,
  make: (id: PartitionId, entries: number) => void,
  entries: number,
  configs: Readonly<Record<string, string>>,
): Promise<Endless> {
  const topic = await createTopic(core, { name: 'bench', configs })
  const id = { topicId: topic.id, partition: 0 }
  const made = readHead(id, (await core.items.get(headKey(id))) ?? patched({}, newHead(0).patches))
  const last = entryNumber(entries - 1)
  const head = {
    ...made,
    next: last.end,
    tailStart: last.end,
    bytes: entries * bytesAnEntry,
    horizon: last.runningStamp,
    droppedTimestampMs: last.runningTimestampMs,
  }
  const patches = Object.entries(itemOf(head)).map(([name, value]) => set(name, value))
  await core.items.update(headKey(id), { patches })
  make(id, entries)
  const upkeep = await readUpkeepOf(core, id)
  await saveUpkeep(core, id, upkeep, { ...upkeep, settled: head.tailStart })
  return { topic, id, end: last.end }
}

/** Stores the blobs of the entries around an offset, so that they can be read. */
export async function storeAround(core: Core, { id, end }: Endless, offset: number, entries = 3): Promise<void> {
  const at = Math.floor(Math.min(offset, end - 1) / refsAnEntry)
  for (let number = at; number < Math.min(at + entries, end / refsAnEntry); number++) {
    await storeBlobsOf(core, id, refsOf(number))
  }
}
