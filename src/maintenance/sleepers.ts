import { entryKey } from '../log/chunk.ts'
import { isChunk, readEntryRow } from '../log/entry.ts'
import { indexFrom, indexPk, indexUpTo, type PartitionId } from '../log/keys.ts'
import type { Segment } from '../log/segment.ts'
import type { Core } from '../runtime/core.ts'
import { equals } from '../store/items.ts'

const rowsAPage = 100

/**
 * Removes chunks that somebody who slept has brought back within the segment, as far as one page holds. A reader may still meet one:
 * what it names was true when it was rolled, but compaction must be able to count on what it has taken away being gone.
 */
export async function removeSleepers(core: Core, id: PartitionId, { base, end }: Segment): Promise<void> {
  const rows = await core.items.query({
    pk: indexPk(id),
    from: indexFrom(base),
    to: indexUpTo(end - 1),
    limit: rowsAPage,
  })
  for (const chunk of rows.map((row) => readEntryRow(id, row)).filter(isChunk)) {
    await core.items.delete(entryKey(id, chunk), equals('e', chunk.end))
  }
}
