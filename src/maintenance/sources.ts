/** Removing what a segment was made of, as far as nothing else can name it. */
import { blobItemKey, blobObjectKey, type PartitionId, segmentObjectKey } from '../log/keys.ts'
import type { Source } from '../log/segment-object.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'

/** S3's limit of one DeleteObjects. */
const objectsADelete = 1_000
const itemsAtOnce = 16

/**
 * Blobs that others have batches in are left to the sweep. Objects go for free; items cost as much as they did to write.
 * @returns how many were removed
 * @throws StoreError; may be called again
 */
export async function removeSources(core: Core, id: PartitionId, sources: readonly Source[]): Promise<number> {
  const objects: string[] = []
  const items: Source[] = []
  for (const source of sources) {
    if (source.kind === 'segment') objects.push(segmentObjectKey(id, source.base, source.id))
    else if (source.sole && source.kind === 'object') objects.push(blobObjectKey(source.id))
    else if (source.sole) items.push(source)
  }
  for (let at = 0; at < objects.length; at += objectsADelete) {
    await core.objects.delete(objects.slice(at, at + objectsADelete))
  }
  await inParallel(itemsAtOnce, items, (source) => core.items.delete(blobItemKey(source.id)))
  return objects.length + items.length
}
