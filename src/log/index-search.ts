/**
 * Reading a partition's index: what covers an offset, and the first entry whose running maximum reaches a target.
 */
import type { Core } from '../runtime/core.ts'
import { type Entry, readEntryRow, withoutSleepers } from './entry.ts'
import { indexFrom, indexPk, indexUpTo, type PartitionId } from './keys.ts'

/** How far back a reader who found a chunk's data gone looks for a segment. */
export const thoroughly = 200

/**
 * Entries from the one that covers `offset` onwards, gapless, at most `more` beyond it; both queries go out at once. Empty
 * where no entry covers it: the caller read the head before somebody moved it, and has to read again.
 * @param thorough how many entries back to look whether what covers it lies within a segment: whoever slept may have brought a
 *   chunk back, and its blobs are gone
 */
export async function entriesCovering(
  core: Core,
  id: PartitionId,
  offset: number,
  more: number,
  thorough = 1,
): Promise<readonly Entry[]> {
  const pk = indexPk(id)
  const [before, after] = await Promise.all([
    core.items.query({ pk, to: indexUpTo(offset), reverse: true, limit: thorough }),
    more > 0 ? core.items.query({ pk, from: indexFrom(offset + 1), limit: more }) : [],
  ])
  const known = withoutSleepers([...before.toReversed(), ...after].map((row) => readEntryRow(id, row)))
  const entries: Entry[] = []
  let reached = offset
  for (const entry of known.slice(
    Math.max(
      0,
      known.findLastIndex(({ base }) => base <= offset),
    ),
  )) {
    const continues = entries.length === 0 ? entry.base <= reached && reached < entry.end : entry.base === reached
    if (!continues) break
    entries.push(entry)
    reached = entry.end
  }
  return entries.length > 0 || thorough > 1 ? entries : entriesCovering(core, id, offset, more, thoroughly)
}

/** The newest entries, newest first. */
export async function newestEntries(core: Core, id: PartitionId, limit: number): Promise<readonly Entry[]> {
  const to = indexUpTo(Number.MAX_SAFE_INTEGER)
  const rows = await core.items.query({ pk: indexPk(id), to, reverse: true, limit })
  return withoutSleepers(rows.toReversed().map((row) => readEntryRow(id, row))).reverse()
}

const entriesAProbe = 32
/** A guess by proportion is worth another as long as it leaves less than this share; regular logs are found in two or three. */
const goodGuess = 1 / 8
const probesMax = 64

export type Search = {
  /** The log's part under the index: from its start to where the tail begins. */
  readonly from: number
  readonly to: number
  /** A number that only grows along the index, and what it has to reach. */
  readonly running: (entry: Entry) => number
  readonly target: number
  /** The greatest value in the index, where known: it makes the first guess good. */
  readonly greatest: number
}

/**
 * The first entry whose running number reaches the target; `undefined` where none does. Each probe reads a page of entries
 * backwards from an offset, chosen by interpolation at first and by halving after that, so that the number of reads is
 * bounded by the logarithm of the log's length whatever its shape.
 */
export async function firstEntryReaching(core: Core, id: PartitionId, search: Search): Promise<Entry | undefined> {
  const { running, target } = search
  let low = search.from
  let high = search.to
  let lowValue: number | undefined
  let highValue = search.greatest
  let candidate: Entry | undefined
  let guessing = true
  for (let probe = 0; low < high && probe < probesMax; probe++) {
    const span = high - low
    const at = guessing ? proportional(low, high, lowValue, highValue, target) : Math.floor((low + high - 1) / 2)
    const rows = await core.items.query({
      pk: indexPk(id),
      to: indexUpTo(at),
      reverse: true,
      limit: entriesAProbe,
    })
    const found = withoutSleepers(rows.toReversed().map((row) => readEntryRow(id, row))).reverse()
    const page = found.filter((entry) => entry.base >= low || entry.end > low)
    const newest = page[0]
    if (!newest) break
    if (running(newest) < target) {
      low = Math.max(newest.end, low + 1)
      // The first guess only learns where the values begin.
      guessing &&= lowValue === undefined || high - low < span * goodGuess
      lowValue = running(newest)
      continue
    }
    const reaching = page.filter((entry) => running(entry) >= target)
    const oldest = reaching.at(-1)
    if (oldest) {
      candidate = oldest
      high = oldest.base
      highValue = running(oldest)
      guessing &&= high - low < span * goodGuess
    }
    const isFirst = page.length < found.length || rows.length < entriesAProbe
    if (reaching.length < page.length || isFirst) break
  }
  return candidate
}

function proportional(
  low: number,
  high: number,
  lowValue: number | undefined,
  highValue: number,
  target: number,
): number {
  if (lowValue === undefined) return low
  const share = highValue > lowValue ? (target - lowValue) / (highValue - lowValue) : 0.5
  const at = low + Math.floor((high - low) * Math.min(1, Math.max(0, share)))
  return Math.min(high - 1, at)
}
