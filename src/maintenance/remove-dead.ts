/**
 * Removing entries that lie wholly below a log's start: first the objects and items that only they name, then the entries, so that
 * whoever dies in between is followed by one who finds them. What others may still name is left to the sweep.
 */

import { blobBytesOf } from '../log/blob.ts'
import { positionInOwnBlob } from '../log/blob-header.ts'
import { type Entry, isSegment, readEntryRow } from '../log/entry.ts'
import { blobItemKey, blobObjectKey, indexPk, type PartitionId, partitionText } from '../log/keys.ts'
import type { Ref } from '../log/ref.ts'
import { objectKeyOf, type Segment } from '../log/segment.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { compare } from '../store/items.ts'
import { limits } from '../store/limits.ts'
import { removeSources, sourcesOfDead } from './sources.ts'

const rowsAPage = 100
const atOnce = 16

export type RemovedDead = { entries: number; blobs: number; more: boolean }

/**
 * Removes the first entries that end at or below `to`, where nobody reads any more; `more`: a page was full, or time is up.
 * @throws StoreError; may be called again
 */
export async function removeDead(core: Core, id: PartitionId, to: number): Promise<RemovedDead> {
  const pk = indexPk(id)
  const rows = await core.items.query({ pk, limit: rowsAPage })
  const read = rows.map((row) => ({ sk: row.sk, entry: readEntryRow(id, row) }))
  const dead = read.filter(({ entry }) => entry.end <= to)
  const entries = dead.map(({ entry }) => entry)
  const blobs = (await removeBlobs(core, id, entries)) + (await removeSegments(core, id, entries.filter(isSegment)))
  // Under the same key a longer one may stand by now, which whoever slept has made of this and of what lives.
  await inParallel(atOnce, dead, ({ sk }) => core.items.delete({ pk, sk }, compare('e', '<=', to)))
  return { entries: dead.length, blobs, more: dead.length === rowsAPage }
}

async function removeSegments(core: Core, id: PartitionId, segments: readonly Segment[]): Promise<number> {
  const sources = await inParallel(atOnce, segments, async (segment) =>
    removeSources(core, id, await sourcesOfDead(core, id, segment)),
  )
  await core.objects.delete(segments.map((segment) => objectKeyOf(id, segment)))
  return sources.reduce((sum, one) => sum + one, segments.length)
}

async function removeBlobs(core: Core, id: PartitionId, entries: readonly Entry[]): Promise<number> {
  const refs = entries.flatMap((entry) => (isSegment(entry) ? [] : entry.refs))
  const own = refs.filter(({ place, position }) => place === 'object' && position === positionInOwnBlob(id))
  const isWhole = await inParallel(atOnce, own, (ref) => isWholeObject(core, ref))
  const objects = own.filter((_, at) => isWhole[at]).map((ref) => blobObjectKey(ref.id))
  await core.objects.delete([...new Set(objects)])
  // Those that the store forgets cost nothing.
  const items = refs.filter(({ place, ttlVersion }) => place === 'item' && ttlVersion === undefined)
  let removed = objects.length
  for (let at = 0; at < items.length; at += limits.batchGetKeys) {
    removed += await removeItems(core, id, items.slice(at, at + limits.batchGetKeys))
  }
  return removed
}

/** Whether the ref, which begins where the bytes do, names all of them: requests that were flushed together share an object. */
async function isWholeObject(core: Core, { id, position, length }: Ref): Promise<boolean> {
  const end = position + length
  const bytes = await core.objects.get(blobObjectKey(id), { start: end - 1, end: end + 1 })
  return bytes?.length === 1
}

async function removeItems(core: Core, id: PartitionId, refs: readonly Ref[]): Promise<number> {
  const found = await core.items.batchGet(refs.map((ref) => blobItemKey(ref.id)))
  const whole = refs.filter((ref, at) => {
    const { p, d } = found[at] ?? {}
    const isOurs = Array.isArray(p) && p.every((name) => name === partitionText(id))
    return isOurs && d instanceof Uint8Array && d.length === blobBytesOf(ref, found[at])?.length
  })
  await inParallel(atOnce, whole, (ref) => core.items.delete(blobItemKey(ref.id)))
  return whole.length
}
