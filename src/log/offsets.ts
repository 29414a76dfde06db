/**
 * Looking offsets up: the log's start, its end, and the first record at or after a time (Kafka's ListOffsets). A search by time
 * takes a number of reads that grows with the logarithm of the log's length, and reads one blob or one span of a segment.
 */
import { KafkaError } from '../protocol/errors.ts'
import { batchesIn, decodeBatch, withOffsets } from '../protocol/records/batch.ts'
import type { Core } from '../runtime/core.ts'
import { type Entry, isSegment } from './entry.ts'
import { type Head, tailRefs } from './head.ts'
import { entriesCovering, firstEntryReaching } from './index-search.ts'
import type { PartitionId } from './keys.ts'
import { passExpired } from './pass-expired.ts'
import { type Piece, type PieceOfRef, readPieces } from './pieces.ts'
import { piecesOfRefs, piecesOfSegment, readHeads } from './plan.ts'
import { spansOf } from './segment.ts'
import { findTopic, requirePartition, type Topic, unknownTopic } from './topics.ts'

/** What an answer says where no record is at or after the time asked for. */
const none = { offset: -1, timestampMs: -1 }

/** `max-timestamp`: the first record that bears the greatest timestamp of all (KIP-734). */
export type OffsetAt = 'earliest' | 'latest' | 'max-timestamp' | { readonly timestampMs: number }

/**
 * The offset asked for; -1 where no record is at or after that time. `timestampMs` is the found record's, -1 otherwise.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION
 */
export async function listOffset(
  core: Core,
  topic: Topic,
  partition: number,
  at: OffsetAt,
): Promise<{ offset: number; timestampMs: number }> {
  const { id, head } = await headOf(core, topic, partition)
  if (at === 'earliest') return { offset: head.start, timestampMs: -1 }
  if (at === 'latest') return { offset: head.next, timestampMs: -1 }
  for (let tries = 0; tries < 3; tries++) {
    const now = tries === 0 ? head : (await headOf(core, topic, partition)).head
    const found = at === 'max-timestamp' ? await greatest(core, id, now) : await firstAtOrAfter(core, id, now, at)
    if (found) return found
  }
  throw new KafkaError('KAFKA_STORAGE_ERROR', 'the log was moved while it was searched: try again')
}

/**
 * Where the log begins and where it ends, in one read.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION
 */
export async function partitionBounds(
  core: Core,
  topic: Topic,
  partition: number,
): Promise<{ earliest: number; latest: number }> {
  const { head } = await headOf(core, topic, partition)
  return { earliest: head.start, latest: head.next }
}

type Searched = PartitionId & { readonly topicName: string }

async function headOf(core: Core, topic: Topic, partition: number): Promise<{ id: Searched; head: Head }> {
  requirePartition(topic, partition)
  const id = { topicId: topic.id, partition, topicName: topic.name }
  const [head] = await readHeads(core, [id])
  if (head) return { id, head }
  const now = await findTopic(core, topic.name)
  if (!now || now.id === topic.id) throw unknownTopic(topic.name)
  return headOf(core, now, partition)
}

/** `undefined` as below. Where the record with the greatest timestamp of all has left the log, the next is found by halving. */
async function greatest(core: Core, id: Searched, head: Head) {
  if (head.next === head.start) return none
  let high = Math.max(head.droppedTimestampMs, ...tailRefs(head).map((ref) => ref.maxTimestampMs))
  let best = await firstAtOrAfter(core, id, head, { timestampMs: high })
  if (best !== none) return best
  best = await firstAtOrAfter(core, id, head, { timestampMs: 0 })
  // In between, `best` is the first record at or after some time, and none is at or after `high`.
  while (best && best !== none && high - best.timestampMs > 1) {
    const middle = best.timestampMs + Math.floor((high - best.timestampMs) / 2)
    const found = await firstAtOrAfter(core, id, head, { timestampMs: middle })
    if (found === none) high = middle
    else best = found
  }
  return best
}

/** Entries a page, where the records by which the first one reaches the time have left the log. */
const entriesOnward = 32

/** `undefined` where something was moved under the search: it has to begin again from a fresh head. */
async function firstAtOrAfter(core: Core, id: Searched, head: Head, { timestampMs }: { timestampMs: number }) {
  const first =
    head.tailStart > head.start && head.droppedTimestampMs >= timestampMs
      ? await firstEntryReaching(core, id, {
          from: head.start,
          to: head.tailStart,
          running: (one) => one.runningTimestampMs,
          target: timestampMs,
          greatest: head.droppedTimestampMs,
        })
      : undefined
  const look = (pieces: readonly Piece[]) => firstInPieces(core, id, pieces, timestampMs, head.start)
  let entries: readonly Entry[] = first ? [first] : []
  while (entries.length > 0) {
    for (const entry of entries) {
      const found = await look(piecesReaching(id, entry, timestampMs))
      if (found !== none) return found
    }
    const reached = entries.at(-1)?.end ?? head.tailStart
    if (reached >= head.tailStart) break
    entries = await entriesCovering(core, id, reached, entriesOnward)
    if (entries.length === 0) return undefined
  }
  return look(reaching(piecesOfRefs(tailRefs(head), head.tailStart), timestampMs))
}

function piecesReaching(id: PartitionId, entry: Entry, timestampMs: number): Piece[] {
  if (!isSegment(entry)) return reaching(piecesOfRefs(entry.refs, entry.base), timestampMs)
  if (entry.maxTimestampMs < timestampMs) return []
  const spans = spansOf(entry)
  return piecesOfSegment(id, entry).filter((_, at) => (spans[at]?.runningTimestampMs ?? 0) >= timestampMs)
}

const reaching = (pieces: readonly PieceOfRef[], timestampMs: number): PieceOfRef[] =>
  pieces.filter(({ ref }) => ref.maxTimestampMs >= timestampMs)

async function firstInPieces(
  core: Core,
  id: Searched,
  pieces: readonly Piece[],
  timestampMs: number,
  startOffset: number,
) {
  for (const piece of pieces) {
    if (piece.end <= startOffset) continue
    const [bytes] = await readPieces(core, [piece], 1)
    if (!bytes) {
      await passExpired(core, id.topicName, id, piece)
      return undefined
    }
    const found = await firstInBatches(bytes, piece, timestampMs, startOffset)
    if (found !== none) return found
  }
  return none
}

async function firstInBatches(bytes: Uint8Array, piece: Piece, timestampMs: number, startOffset: number) {
  let counted = piece.base
  for (const header of batchesIn(bytes)) {
    const base = 'part' in piece ? header.baseOffset : counted
    counted = base + header.lastOffsetDelta + 1
    if (header.maxTimestampMs < timestampMs) continue
    const batch = withOffsets(bytes.subarray(header.at, header.at + header.totalBytes), base, 0)
    const record = (await decodeBatch(batch)).find((one) => one.timestampMs >= timestampMs && one.offset >= startOffset)
    if (record) return { offset: record.offset, timestampMs: record.timestampMs }
  }
  return none
}
