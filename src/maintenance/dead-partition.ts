/**
 * Removing what a deleted topic left of one partition: blobs nobody else has batches in, segments, the index, and producers that had
 * left the head. Heads go first and elsewhere: without one nobody appends, and nobody reads. An entry goes after the objects that
 * only it names, so that whoever dies in between is followed by one who finds them.
 */
import { blobOwners } from '../log/blob-owners.ts'
import { isChunk, isSegment, readEntryRow } from '../log/entry.ts'
import {
  blobItemKey,
  blobObjectKey,
  compactionKey,
  indexPk,
  type PartitionId,
  segmentObjectsPrefix,
  spilledProducersPk,
  upkeepKey,
} from '../log/keys.ts'
import type { Ref } from '../log/ref.ts'
import { objectKeyOf, type Segment } from '../log/segment.ts'
import type { Source } from '../log/segment-object.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import type { Row } from '../store/items.ts'
import { dropLease } from './partition-lease.ts'
import { sourcesOfDead } from './sources.ts'

export type Removed = { entries: number; blobs: number; bytes: number; producers: number }

const rowsAPage = 50
const objectsAPage = 1_000
const atOnce = 16

/** `false` where time ran out before all was gone. @throws StoreError */
export async function removeDeadPartition(
  core: Core,
  id: PartitionId,
  timeIsUp: () => boolean,
  removed: Removed,
): Promise<boolean> {
  const entriesGone = await removePages(core, indexPk(id), timeIsUp, async (rows) => {
    const entries = rows.map((row) => readEntryRow(id, row))
    const refs = entries.filter(isChunk).flatMap((chunk) => chunk.refs)
    removed.blobs += await removeBlobs(core, id, refs)
    const segments = entries.filter(isSegment)
    await inParallel(atOnce, segments, (segment) => removeSources(core, id, segment))
    await core.objects.delete(segments.map((segment) => objectKeyOf(id, segment)))
    removed.entries += rows.length
    removed.bytes += [...refs.map(({ length }) => length), ...segments.map(({ bytes }) => bytes)].reduce(sum, 0)
  })
  if (!entriesGone || !(await removeOrphans(core, id, timeIsUp))) return false
  const producersGone = await removePages(core, spilledProducersPk(id), timeIsUp, async (rows) => {
    removed.producers += rows.length
  })
  if (!producersGone) return false
  for (const key of [upkeepKey(id), compactionKey(id)]) await core.items.delete(key)
  await dropLease(core, id)
  return true
}

const sum = (one: number, other: number): number => one + other

/** Removes all rows under a partition key, page by page, each after `before` has seen to it. */
async function removePages(
  core: Core,
  pk: string,
  timeIsUp: () => boolean,
  before: (rows: readonly Row[]) => Promise<void>,
): Promise<boolean> {
  for (;;) {
    if (timeIsUp()) return false
    const rows = await core.items.query({ pk, limit: rowsAPage })
    await before(rows)
    await inParallel(atOnce, rows, ({ sk }) => core.items.delete({ pk, sk }))
    if (rows.length < rowsAPage) return true
  }
}

/** Segments that their maker did not live to put into the index, or that were replaced in it. */
async function removeOrphans(core: Core, id: PartitionId, timeIsUp: () => boolean): Promise<boolean> {
  for (;;) {
    if (timeIsUp()) return false
    const objects = await core.objects.list(segmentObjectsPrefix(id), { limit: objectsAPage })
    await core.objects.delete(objects.map(({ key }) => key))
    if (objects.length < objectsAPage) return true
  }
}

/** Blobs whose every batch is of this topic; of others a part still lives, and the sweep finds them when it is dead too. */
async function removeBlobs(core: Core, id: PartitionId, refs: readonly Ref[]): Promise<number> {
  const ours = await inParallel(atOnce, refs, async (ref) => {
    const owners = await blobOwners(core, id, ref)
    return owners?.every((owner) => owner.startsWith(`${id.topicId}/`)) ?? false
  })
  const dead = refs.filter((_, at) => ours[at])
  const objects = dead.filter(({ place }) => place === 'object').map((ref) => blobObjectKey(ref.id))
  await core.objects.delete([...new Set(objects)])
  const items = dead.filter(({ place }) => place === 'item')
  await inParallel(atOnce, items, (ref) => core.items.delete(blobItemKey(ref.id)))
  return dead.length
}

/** What the segment was made of, where it has not been cleaned up yet. */
async function removeSources(core: Core, id: PartitionId, segment: Segment): Promise<void> {
  const sources = await sourcesOfDead(core, id, segment)
  const own = sources.filter((source) => source.kind !== 'segment' && source.sole)
  const keysOf = (kind: Source['kind']) => own.filter((source) => source.kind === kind).map((source) => source.id)
  await core.objects.delete(keysOf('object').map(blobObjectKey))
  await inParallel(atOnce, keysOf('item'), (blob) => core.items.delete(blobItemKey(blob)))
}
