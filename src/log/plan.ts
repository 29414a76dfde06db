/**
 * Planning a read of one partition: which refs hold the records from an offset on. Refs of the tail come with the head; older
 * ones take one query of the index.
 */
import type { Core } from '../runtime/core.ts'
import type { Item, Key } from '../store/items.ts'
import { limits } from '../store/limits.ts'
import { type Head, readHead, tailRefs } from './head.ts'
import { entriesCovering } from './index-search.ts'
import { headKey, type PartitionId } from './keys.ts'
import type { Ref } from './ref.ts'

/** A ref and the offset of its first record. */
export type PlacedRef = { readonly base: number; readonly ref: Ref }

/** What one index entry is reckoned to bring, to decide how many to ask for. */
const bytesAnEntry = 64 * 1024
const entriesMax = 16
const refsMax = 2_000

/** Heads in one round trip, of more than a hundred in several side by side; `undefined` where there is no such partition. */
export async function readHeads(core: Core, ids: readonly PartitionId[]): Promise<readonly (Head | undefined)[]> {
  const [only] = ids
  const items =
    ids.length === 1 && only ? [await core.items.get(headKey(only))] : await batchGet(core, ids.map(headKey))
  return ids.map((id, at) => {
    const item = items[at]
    return item && readHead(id, item)
  })
}

async function batchGet(core: Core, keys: readonly Key[]): Promise<readonly (Item | undefined)[]> {
  const pages: Promise<readonly (Item | undefined)[]>[] = []
  for (let from = 0; from < keys.length; from += limits.batchGetKeys) {
    pages.push(core.items.batchGet(keys.slice(from, from + limits.batchGetKeys)))
  }
  return (await Promise.all(pages)).flat()
}

/**
 * Refs from the one that holds `offset` on, until `maxBytes` are reached, at least one. `offset` lies within the head's log.
 * `undefined` where the index has no entry for it: somebody moved things since the head was read, which has to be read again.
 */
export async function planRead(
  core: Core,
  id: PartitionId,
  head: Head,
  offset: number,
  maxBytes: number,
): Promise<readonly PlacedRef[] | undefined> {
  const placed: PlacedRef[] = []
  let reached = offset
  if (offset < head.tailStart) {
    const more = Math.min(entriesMax, Math.floor(maxBytes / bytesAnEntry))
    const entries = await entriesCovering(core, id, offset, more)
    if (entries.length === 0) return undefined
    for (const entry of entries) placed.push(...placedFrom(entry.refs, entry.base))
    reached = entries.at(-1)?.end ?? offset
  }
  if (reached >= head.tailStart) {
    // An entry may end beyond where the tail began when its head was read.
    placed.push(
      ...placedFrom(tailRefs(head), head.tailStart).filter(({ base }) => base >= reached || offset >= head.tailStart),
    )
  }
  return upTo(
    placed.filter(({ base, ref }) => base + ref.count > offset),
    maxBytes,
  )
}

function placedFrom(refs: readonly Ref[], start: number): PlacedRef[] {
  let base = start
  return refs.map((ref) => {
    const placed = { base, ref }
    base += ref.count
    return placed
  })
}

function upTo(placed: readonly PlacedRef[], maxBytes: number): PlacedRef[] {
  let bytes = 0
  const chosen: PlacedRef[] = []
  for (const one of placed) {
    if (chosen.length > 0 && (bytes + one.ref.length > maxBytes || chosen.length === refsMax)) break
    bytes += one.ref.length
    chosen.push(one)
  }
  return chosen
}
