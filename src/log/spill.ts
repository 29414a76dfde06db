/**
 * Spilling: the tail's refs move into the index in two plain writes, each conditional, so that any number of spillers may race,
 * die in between or wake up late. First the chunk is created under the tail's base offset (one that stands there already is
 * adopted), then its refs are dropped from the tail on condition that the tail still begins there. A transaction would be
 * simpler to read and would make every append that meets it fail (docs/decisions/0003).
 */
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { equals } from '../store/items.ts'
import { type Chunk, createChunk, entryKey, entryOfTail, readChunk } from './chunk.ts'
import { isSegment } from './entry.ts'
import { dropUpdate, type Head, headExcess, readHead, refsToSpill, tailRefs } from './head.ts'
import { entriesCovering } from './index-search.ts'
import { headKey, type PartitionId } from './keys.ts'

/** After the first append that reached the limit, one in so many tries again: the first may have died. */
const appendsATry = 4
const triesMax = 3

/**
 * Whether the append that made this head has to spill: exactly the one after which another like it would not fit into one
 * write unit, and then one in every few. `appended`: how many refs it brought.
 */
export function mustSpill(head: Head, appended = 1): boolean {
  const sizes = head.packedTail.map((ref) => ref.length + 1)
  const [own = 0, previous] = [sizes.at(-1), sizes.at(-1 - appended)]
  const brought = sizes.slice(-appended).reduce((sum, size) => sum + size, 0)
  const triesBefore = previous === undefined ? 0 : tries(headExcess(head, previous - brought), previous * appended)
  return tries(headExcess(head, own), own * appended) > triesBefore
}

/** How many appends of this size have been asked to spill by the time the next would exceed the item's share by so much. */
const tries = (excess: number, size: number): number =>
  excess <= 0 ? 0 : 1 + Math.floor(excess / (appendsATry * size))

/**
 * Moves the older refs of this head's tail into the index. Does nothing where another spiller was first. Trouble of the store is
 * left to the next spiller: the append that came before is true already.
 */
export async function spill(core: Core, id: PartitionId, seen: Head): Promise<void> {
  try {
    await moveTail(core, id, seen)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}

/**
 * Moves all that the tail held when this head was read into the index, and gives the head as it is then. Of a log that nobody writes
 * to: the refs of others' appends would have to follow at once.
 * @throws StoreError
 */
export async function spillWhole(core: Core, id: PartitionId, seen: Head): Promise<Head> {
  let head = seen
  for (let attempt = 0; attempt < triesMax && head.tailStart < seen.next; attempt++) {
    const count = howMany(head, seen.next)
    const { entry, isNew } = await standingEntry(core, id, head, count)
    if (!holdsPrefix(entry, head)) return head
    const dropped = await core.items.update(headKey(id), dropUpdate(head, entry.refs.length))
    if (!dropped.item) return head
    const now = readHead(id, dropped.item)
    if (isNew && !dropped.applied && now.tailStart !== head.tailStart) await takeBack(core, id, entry)
    head = now
  }
  return head
}

/** Refs up to that offset. */
function howMany(head: Head, end: number): number {
  let next = head.tailStart
  const beyond = tailRefs(head).findIndex(({ count }) => {
    next += count
    return next > end
  })
  return beyond < 0 ? head.packedTail.length : beyond
}

async function moveTail(core: Core, id: PartitionId, seen: Head): Promise<void> {
  let head = seen
  for (let attempt = 0; attempt < triesMax; attempt++) {
    if (refsToSpill(head) === 0) return
    const { entry, isNew } = await standingEntry(core, id, head)
    if (!holdsPrefix(entry, head)) return
    const dropped = await core.items.update(headKey(id), dropUpdate(head, entry.refs.length))
    if (dropped.applied || !dropped.item) return
    const now = readHead(id, dropped.item)
    if (now.tailStart !== head.tailStart) return isNew ? takeBack(core, id, entry) : undefined
    // Only the horizon can have moved: the drop is worked out anew.
    head = now
  }
}

type Standing = { readonly entry: Chunk; readonly isNew: boolean }

/** The chunk that stands at the tail's base offset: ours, or the one somebody put there first. */
async function standingEntry(core: Core, id: PartitionId, head: Head, count?: number): Promise<Standing> {
  const entry = entryOfTail(head, count)
  const key = entryKey(id, entry)
  const created = await core.items.update(key, createChunk(entry))
  if (created.applied || !created.item) return { entry, isNew: created.applied }
  return { entry: readChunk(id, key.sk, created.item), isNew: false }
}

/** Of chunks that others have brought back and that stand between. */
const sleepersMost = 16

/** Whoever slept before it put the chunk there may have come when all that it names was rolled: it would show what was compacted since. */
async function takeBack(core: Core, id: PartitionId, entry: Chunk): Promise<void> {
  const [covering] = await entriesCovering(core, id, entry.base, 0, sleepersMost)
  if (covering && isSegment(covering)) await core.items.delete(entryKey(id, entry), equals('e', entry.end))
}

/** A sleeper's view may be older than the chunk that stands there; the drop's condition would refuse it anyway. */
const holdsPrefix = (entry: Chunk, head: Head): boolean => entry.refs.length <= head.packedTail.length
