/** Whose a blob is: what must be known before it may be deleted. */
import type { Core } from '../runtime/core.ts'
import { headerBytesMin, positionInOwnBlob, readBlobHeader } from './blob-header.ts'
import { blobItemKey, blobObjectKey, type PartitionId, partitionText } from './keys.ts'
import type { Ref } from './ref.ts'

/**
 * The partitions (`partitionText`) whose batches the blob holds that a ref of `id` names; `undefined` where there is no such blob
 * any more, and none for an inline ref. A blob object of one partition is told by the ref alone; a shared one takes a read of its header.
 * @throws StoreError
 */
export async function blobOwners(core: Core, id: PartitionId, ref: Ref): Promise<readonly string[] | undefined> {
  if (ref.place === 'inline') return undefined
  if (ref.place === 'item') {
    const item = await core.items.get(blobItemKey(ref.id))
    return item && (Array.isArray(item.p) ? item.p.map(String) : [])
  }
  if (ref.position === positionInOwnBlob(id)) return [partitionText(id)]
  const key = blobObjectKey(ref.id)
  for (let end = headerBytesMin; ; ) {
    const bytes = await core.objects.get(key, { start: 0, end })
    if (!bytes) return undefined
    const header = readBlobHeader(key, bytes)
    if ('partitions' in header) return header.partitions
    end = header.needsBytes
  }
}
