/**
 * Planning a read of one partition: which refs and spans of segments hold the records from an offset on. Refs of the tail come with
 * the head; all older ones take one query of the index, or none where what the last one brought goes far enough.
 */
import type { Core } from '../runtime/core.ts'
import type { Item, Key } from '../store/items.ts'
import { limits } from '../store/limits.ts'
import { type Entry, isSegment } from './entry.ts'
import { type Head, readHead, tailRefs } from './head.ts'
import { entriesCovering, thoroughly } from './index-search.ts'
import { headKey, type PartitionId, partitionText } from './keys.ts'
import type { Piece, PieceOfRef, PieceOfSegment } from './pieces.ts'
import type { Ref } from './ref.ts'
import { objectKeyOf, type Segment, segmentHeaderBytes, spansOf } from './segment.ts'

/** What one index entry is reckoned to bring, to decide how many to ask for. */
const bytesAnEntry = 64 * 1024
const entriesMax = 16
const piecesMax = 2_000

/** Heads in one round trip, of more than a hundred in several side by side; `undefined` where there is no such partition. */
export async function readHeads(core: Core, ids: readonly PartitionId[]): Promise<readonly (Head | undefined)[]> {
  const [only] = ids
  const items =
    ids.length === 1 && only ? [await core.items.get(headKey(only))] : await batchGet(core, ids.map(headKey))
  return ids.map((id, at) => {
    const item = items[at]
    return item && readHead(id, item)
  })
}

async function batchGet(core: Core, keys: readonly Key[]): Promise<readonly (Item | undefined)[]> {
  const pages: Promise<readonly (Item | undefined)[]>[] = []
  for (let from = 0; from < keys.length; from += limits.batchGetKeys) {
    pages.push(core.items.batchGet(keys.slice(from, from + limits.batchGetKeys)))
  }
  return (await Promise.all(pages)).flat()
}

/**
 * Pieces from the one that holds `offset` on, until `maxBytes` are reached, at least one. `offset` lies within the head's log.
 * `undefined` where the index has no entry for it: somebody moved things since the head was read, which has to be read again.
 * @param again the last plan named what is gone: nothing remembered counts, and chunks are looked at closely
 */
export async function planRead(
  core: Core,
  id: PartitionId,
  head: Head,
  offset: number,
  maxBytes: number,
  again = false,
): Promise<readonly Piece[] | undefined> {
  const pieces: Piece[] = []
  let reached = offset
  if (offset < head.tailStart) {
    const remembered = again ? undefined : rememberedFrom(core, id, offset, maxBytes)
    const more = Math.min(entriesMax, Math.floor(maxBytes / bytesAnEntry))
    const entries = remembered ?? (await entriesCovering(core, id, offset, more, again ? thoroughly : 1))
    if (entries.length === 0) return undefined
    if (!remembered) remember(core, id, entries)
    for (const entry of entries) pieces.push(...piecesOf(id, entry))
    reached = entries.at(-1)?.end ?? offset
  }
  if (reached >= head.tailStart) {
    // An entry may end beyond where the tail began when its head was read.
    const tail = piecesOfRefs(tailRefs(head), head.tailStart)
    pieces.push(...tail.filter(({ base }) => base >= reached || offset >= head.tailStart))
  }
  return upTo(
    pieces.filter(({ end }) => end > offset),
    maxBytes,
  )
}

/** Shorter than what a segment was made of, or was replaced by, outlives it: a reader in sequence seldom asks the index. */
const rememberedMs = 5 * 60_000
const rememberedKey = (id: PartitionId): string => `entries ${partitionText(id)}`

/** Entries that follow one another without a gap. */
type Remembered = { readonly entries: readonly Entry[]; readonly untilMs: number }

function remember(core: Core, id: PartitionId, entries: readonly Entry[]): void {
  const remembered: Remembered = { entries, untilMs: core.clock.uptime() + rememberedMs }
  core.memory.immutable.set(rememberedKey(id), remembered, 500 + sum(entries, memoryBytes))
}

/** For whoever changed what readers see: its own process shows it at once. */
export function forgetEntries(core: Core, id: PartitionId): void {
  core.memory.immutable.delete(rememberedKey(id))
}

/** What is remembered from `offset` on: a segment, or as many chunks as are worth an answer. */
function rememberedFrom(core: Core, id: PartitionId, offset: number, maxBytes: number): readonly Entry[] | undefined {
  // What lies under this key is what `remember` put there.
  const known = core.memory.immutable.get(rememberedKey(id)) as Remembered | undefined
  if (!known || core.clock.uptime() >= known.untilMs) return undefined
  const from = known.entries.findIndex((entry) => entry.base <= offset && offset < entry.end)
  const [first, ...after] = from < 0 ? [] : known.entries.slice(from)
  if (!first) return undefined
  const worthwhile = isSegment(first) || sum(after, dataBytes) >= maxBytes
  return worthwhile ? [first, ...after] : undefined
}

const dataBytes = (entry: Entry): number => (isSegment(entry) ? entry.bytes : sum(entry.refs, ({ length }) => length))
/** A ref that is unpacked takes some 300 bytes. */
const memoryBytes = (entry: Entry): number =>
  isSegment(entry) ? entry.packedSpans.length : sum(entry.refs, ({ data }) => 300 + (data?.length ?? 0))

const sum = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((total, one) => total + of(one), 0)

const piecesOf = (id: PartitionId, entry: Entry): Piece[] =>
  isSegment(entry) ? piecesOfSegment(id, entry) : piecesOfRefs(entry.refs, entry.base)

export function piecesOfRefs(refs: readonly Ref[], start: number): PieceOfRef[] {
  let base = start
  return refs.map((ref) => {
    const piece = { base, end: base + ref.count, length: ref.length, ref }
    base = piece.end
    return piece
  })
}

export function piecesOfSegment(id: PartitionId, segment: Segment): PieceOfSegment[] {
  const key = objectKeyOf(id, segment)
  const dataEnd = segmentHeaderBytes + segment.bytes
  return spansOf(segment).map(({ base, end, from, to }) => ({
    base,
    end,
    length: to - from,
    part: { key, from, to, dataEnd },
  }))
}

function upTo(pieces: readonly Piece[], maxBytes: number): Piece[] {
  let bytes = 0
  const chosen: Piece[] = []
  for (const one of pieces) {
    if (chosen.length > 0 && (bytes + one.length > maxBytes || chosen.length === piecesMax)) break
    bytes += one.length
    chosen.push(one)
  }
  return chosen
}
