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
import { type SpanWriter, spanWriter } from '../log/spans.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { ByteCache } from '../runtime/byte-cache.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { gather } from './gather.ts'

const patienceMs = 60_000

/**
 * Stores the object and gives the entry that is to name it. Records below the log's start are left out, and their blobs to the
 * sweep; but not before retention has taken them off the head's count, which goes by what entries hold.
 * `undefined`: a blob is gone.
 * @throws StoreError, `misconfigured` where a blob holds other than its ref says: nothing was changed.
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
    const reached = placeAll(id, object.subarray(from, from + ref.length), base, spans)
    if (reached !== end) throw wrong(id, base, `end at ${reached}, and their ref says ${end}`)
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

function placeAll(id: PartitionId, bytes: Uint8Array, base: number, spans: SpanWriter): number {
  try {
    return placeBatches(bytes, base, spans)
  } catch (error) {
    throw error instanceof KafkaError ? wrong(id, base, `cannot be read: ${error.message}`, error) : error
  }
}

const wrong = (id: PartitionId, base: number, what: string, cause?: unknown): StoreError =>
  new StoreError('misconfigured', `the batches from offset ${base} on of ${partitionText(id)} ${what}`, { cause })
