/** An entry of a partition's index, whichever kind: a chunk of refs (chunk.ts) or a rolled segment (segment.ts). */
import type { Row } from '../store/items.ts'
import { blobIdMs } from './blob-id.ts'
import { type Chunk, readChunk } from './chunk.ts'
import { isSegmentSk, type PartitionId } from './keys.ts'
import type { Ref } from './ref.ts'
import { readSegment, type Segment } from './segment.ts'

export type Entry = Chunk | Segment

export const isSegment = (entry: Entry): entry is Segment => 'object' in entry
export const isChunk = (entry: Entry): entry is Chunk => 'refs' in entry

/** @throws StoreError where a newer Millrace wrote it. */
export const readEntryRow = (id: PartitionId, { sk, item }: Row): Entry =>
  isSegmentSk(sk) ? readSegment(id, sk, item) : readChunk(id, sk, item)

/** Of records that have no time the append counts. */
export const newestOfRef = ({ id, maxTimestampMs }: Ref): number =>
  maxTimestampMs >= 0 ? maxTimestampMs : blobIdMs(id)

/** How old the youngest of an entry is: by its records' timestamps or, where they have none, by when they were appended or rolled. */
export function newestMs(entry: Entry): number {
  if (!isSegment(entry)) return Math.max(...entry.refs.map(newestOfRef))
  return entry.maxTimestampMs >= 0 ? entry.maxTimestampMs : blobIdMs(entry.object)
}

/** Entries as they stand in the index, oldest first, without the chunks that a segment among them stands for. */
export function withoutSleepers(entries: readonly Entry[]): Entry[] {
  const kept: Entry[] = []
  for (const entry of entries) {
    // At one base the chunk sorts before the segment.
    if (isSegment(entry) && kept.at(-1)?.base === entry.base) kept.pop()
    const last = kept.at(-1)
    if (last && isSegment(last) && entry.base < last.end) continue
    kept.push(entry)
  }
  return kept
}
