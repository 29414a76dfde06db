/** Removing what a segment was made of, as far as nothing else can name it. */
import { blobItemKey, blobObjectKey, type PartitionId, segmentObjectKey } from '../log/keys.ts'
import type { Segment } from '../log/segment.ts'
import { readFooter, type Source } from '../log/segment-object.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { StoreError } from '../store/errors.ts'

/**
 * What a segment that nobody reads any more was made of and was not cleaned up after, as far as its object tells: of one that is gone, or
 * cannot be understood, the sweep finds it. Nothing of what is to go waits for that.
 * @throws StoreError where the store cannot be read
 */
export async function sourcesOfDead(core: Core, id: PartitionId, segment: Segment): Promise<readonly Source[]> {
  if (segment.cleaned) return []
  try {
    return (await readFooter(core, id, segment))?.sources ?? []
  } catch (error) {
    if (error instanceof RangeError || (error instanceof StoreError && error.trouble === 'misconfigured')) return []
    throw error
  }
}

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
