/**
 * Before configs that keep records longer take effect: blobs that would go by themselves by the old ones are given more time, or
 * all the time (blob-ttl.ts). Every head has been told the new version by then, so that no such blob is appended any more, and what
 * has been appended is named in the tails and chunks that are read here. Rolled records lie in segments, which never go by themselves.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { compare, type Query, type Row, remove, set, type Update } from '../store/items.ts'
import { blobIdMs } from './blob-id.ts'
import { keptForMs, ttlAfter, ttlSlackMs } from './blob-ttl.ts'
import { isChunk, readEntryRow } from './entry.ts'
import { moveStart, recordsIn, tailRefs } from './head.ts'
import { entriesCovering } from './index-search.ts'
import { blobItemKey, headKey, indexFrom, indexPk, type PartitionId } from './keys.ts'
import { readHeads } from './plan.ts'
import type { Ref } from './ref.ts'
import { untilDeadline } from './retry.ts'
import type { Topic } from './topics.ts'

const partitionsAtOnce = 8
const blobsAtOnce = 32
const rowsAPage = 100
/** Less than any door makes its caller wait. */
const patienceMs = 20_000

/** Whether what was stored by the old configs must be seen to before the new ones hold. */
function keepsLonger(old: Topic, next: Topic): boolean {
  const [before, after] = [keptForMs(old), keptForMs(next)]
  return before !== undefined && (after === undefined || after > before)
}

/**
 * May be done any number of times, and by several at once: a blob's time is never shortened.
 * @throws KafkaError REQUEST_TIMED_OUT: to be asked for again. StoreError
 */
export async function keepLonger(core: Core, old: Topic, next: Topic): Promise<void> {
  if (!core.items.forgets || !keepsLonger(old, next)) return
  const deadlineMs = core.clock.uptime() + patienceMs
  const ids = Array.from({ length: old.partitions }, (_, partition) => ({ topicId: old.id, partition }))
  await inParallel(partitionsAtOnce, ids, (id) => keepPartition(core, id, old, next, deadlineMs))
}

async function keepPartition(core: Core, id: PartitionId, old: Topic, next: Topic, deadlineMs: number): Promise<void> {
  const [head] = await untilDeadline(core, deadlineMs, () => readHeads(core, [id]))
  if (!head) return
  let goneTo = await keepRefs(core, tailRefs(head), head.tailStart, old, next, deadlineMs)
  const [first] = await untilDeadline(core, deadlineMs, () => entriesCovering(core, id, head.start, 0))
  for (let from: string | undefined = indexFrom(first?.base ?? head.start); from !== undefined; ) {
    const page: Query = { pk: indexPk(id), from, limit: rowsAPage }
    const rows: readonly Row[] = await untilDeadline(core, deadlineMs, () => core.items.query(page))
    for (const chunk of rows.map((row) => readEntryRow(id, row)).filter(isChunk)) {
      goneTo = Math.max(goneTo, await keepRefs(core, chunk.refs, chunk.base, old, next, deadlineMs))
    }
    const last: Row | undefined = rows.at(-1)
    from = last && rows.length === rowsAPage ? `${last.sk}\0` : undefined
  }
  // What had gone by the old configs leaves no hole: the log begins behind it.
  const start = moveStart(goneTo)
  if (goneTo > head.start) await untilDeadline(core, deadlineMs, () => core.items.update(headKey(id), start))
}

/** Gives where the last of them ends that is gone already; 0 where all are there. */
async function keepRefs(
  core: Core,
  refs: readonly Ref[],
  base: number,
  old: Topic,
  next: Topic,
  deadlineMs: number,
): Promise<number> {
  const ends = refs.map((_, at) => base + recordsIn(refs.slice(0, at + 1)))
  const gone = await inParallel(blobsAtOnce, refs, async (ref, at) => {
    if (ref.ttlVersion === undefined) return 0
    if (core.clock.uptime() >= deadlineMs) throw tookTooLong(old.name)
    const update = laterTtl(ref, next)
    const { item } = await untilDeadline(core, deadlineMs, () => core.items.update(blobItemKey(ref.id), update))
    return !item && isOver(core, ref, old) ? (ends[at] ?? 0) : 0
  })
  return Math.max(0, ...gone)
}

const newestMs = ({ id, maxTimestampMs }: Ref): number => Math.max(blobIdMs(id), maxTimestampMs)

/** Never makes a blob, and never takes time from one. */
function laterTtl(ref: Ref, next: Topic): Update {
  const keptMs = keptForMs(next)
  if (keptMs === undefined) return { patches: [remove('ttl')], if: compare('ttl', '>', 0) }
  const ttl = ttlAfter(newestMs(ref), keptMs)
  return { patches: [set('ttl', ttl)], if: compare('ttl', '<', ttl) }
}

/** Whether its time by these configs has passed, the slack included. */
const isOver = (core: Core, ref: Ref, topic: Topic): boolean =>
  newestMs(ref) + (keptForMs(topic) ?? Number.POSITIVE_INFINITY) + ttlSlackMs < core.clock.now() + clocksApartMs

const clocksApartMs = 60_000

const tookTooLong = (name: string) =>
  new KafkaError(
    'REQUEST_TIMED_OUT',
    `The records of topic '${name}' that are to be kept longer could not all be seen to in time: nothing was changed, ask again`,
  )
