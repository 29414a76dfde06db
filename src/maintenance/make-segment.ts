/** Making a segment's object out of chunks: their blobs' batches, one after the other, each with its true base offset. */
import { newBlobId } from '../log/blob-id.ts'
import type { Chunk } from '../log/chunk.ts'
import type { Head } from '../log/head.ts'
import { type PartitionId, partitionText } from '../log/keys.ts'
import { placeBatches } from '../log/place-batches.ts'
import { piecesOfRefs } from '../log/plan.ts'
import { untilDeadline } from '../log/retry.ts'
import { objectKeyOf, type Segment, segmentHeaderBytes } from '../log/segment.ts'
import { segmentFooter, segmentHeader } from '../log/segment-object.ts'
import { spanWriter } from '../log/spans.ts'
import type { ByteCache } from '../runtime/byte-cache.ts'
import type { Core } from '../runtime/core.ts'
import { gather } from './gather.ts'

const patienceMs = 60_000

/**
 * Stores the object and gives the entry that is to name it. Records below the log's start are left out, and their blobs to the
 * sweep; but not before retention has taken them off the head's count, which goes by what entries hold.
 * `undefined`: a blob is gone.
 * @throws StoreError; Error where a blob holds other than its ref says: nothing was changed.
 */
export async function makeSegment(
  core: Core,
  id: PartitionId,
  head: Head,
  chunks: readonly Chunk[],
  epoch: number,
  shared: ByteCache<Uint8Array>,
): Promise<Segment | undefined> {
  const [first, last] = [chunks[0], chunks.at(-1)]
  if (!first || !last) throw new Error('a segment is made of at least one chunk')
  const pieces = chunks.flatMap(({ refs, base }) => piecesOfRefs(refs, base)).filter(({ end }) => end > head.retired)
  let bytes = 0
  const placed = pieces.map(({ ref }) => {
    const at = segmentHeaderBytes + bytes
    bytes += ref.length
    return { ref, at }
  })
  const object = new Uint8Array(segmentHeaderBytes + bytes)
  object.set(segmentHeader())
  const gathered = await gather(core, id, placed, object, shared)
  if ('missing' in gathered) return undefined
  const spans = spanWriter(first.base, bytes)
  for (const [at, { ref, base, end }] of pieces.entries()) {
    const from = placed[at]?.at ?? 0
    const reached = placeBatches(object.subarray(from, from + ref.length), base, spans)
    if (reached !== end) throw new Error(`a ref of ${partitionText(id)} says ${end} where its blob ends at ${reached}`)
  }
  const footer = segmentFooter({ base: first.base, end: last.end, sources: gathered.sources })
  const segment: Segment = {
    base: first.base,
    end: last.end,
    runningStamp: last.runningStamp,
    runningTimestampMs: last.runningTimestampMs,
    maxTimestampMs: Math.max(-1, ...pieces.map(({ ref }) => ref.maxTimestampMs)),
    bytes,
    object: newBlobId(core.clock.now(), core.random),
    objectBytes: object.length + footer.length,
    packedSpans: spans.done(last.end),
    epoch,
    cleaned: gathered.sources.length === 0,
  }
  const deadlineMs = core.clock.uptime() + patienceMs
  await untilDeadline(core, deadlineMs, () => core.objects.put(objectKeyOf(id, segment), [object, footer]))
  return segment
}
