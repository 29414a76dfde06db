/**
 * Which blobs anybody may still read: what the tails of all heads and the chunks of all indexes name. The order is what makes it true
 * (docs/decisions/0019-sweep.md). First each head's horizon is raised to the last stamp under which a blob in question may be named,
 * so that nobody who slept can append one any more; then the heads count, and only after a head its index: a ref that leaves a tail
 * stands in a chunk before it does.
 */
import { blobIdMs, blobIdText } from '../log/blob-id.ts'
import { isChunk, readEntryRow } from '../log/entry.ts'
import { type Head, raiseHorizon, readHead, tailRefs } from '../log/head.ts'
import { headKey, indexPk, indexUpTo, type PartitionId } from '../log/keys.ts'
import { readHeads } from '../log/plan.ts'
import type { Ref } from '../log/ref.ts'
import { blobServesMs, namedBeforeMs, type Stamp, stampAt } from '../log/stamp.ts'
import { listTopics, type Topic } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'

const headsAPage = 100
const indexesAtOnce = 8
const entriesAPage = 100

/** Blobs in question: those made in this time, by the clocks of who made them. */
export type Births = { readonly fromMs: number; readonly toMs: number }

/**
 * Their names, as text. Reads every topic after the call, and so every partition that a blob stored before it can be for.
 * @throws StoreError
 */
export async function namedBlobs(core: Core, births: Births): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  const note = ({ id, place }: Ref) => {
    if (place === 'inline') return
    const bornMs = blobIdMs(id)
    if (bornMs >= births.fromMs && bornMs < births.toMs) names.add(blobIdText(id))
  }
  for (const topic of await listTopics(core)) {
    for (let from = 0; from < topic.partitions; from += headsAPage) {
      const ids = Array.from({ length: Math.min(headsAPage, topic.partitions - from) }, (_, at) => ({
        topicId: topic.id,
        partition: from + at,
      }))
      await noteSome(core, topic, ids, births, note)
    }
  }
  return names
}

async function noteSome(
  core: Core,
  topic: Topic,
  ids: readonly PartitionId[],
  births: Births,
  note: (ref: Ref) => void,
): Promise<void> {
  const lastStamp = stampAt(topic.era, births.toMs + blobServesMs)
  const heads = await readHeads(core, ids)
  await inParallel(indexesAtOnce, ids, async (id, at) => {
    const head = await closedTo(core, id, heads[at], lastStamp)
    if (!head) return
    for (const ref of tailRefs(head)) note(ref)
    await noteIndex(core, id, firstStampOf(topic, births), note)
  })
}

/** The head as it is once nothing with such a stamp can be appended any more. Most are beyond it already. */
async function closedTo(
  core: Core,
  id: PartitionId,
  head: Head | undefined,
  lastStamp: Stamp,
): Promise<Head | undefined> {
  if (!head || head.horizon >= lastStamp) return head
  const { item } = await core.items.update(headKey(id), raiseHorizon(lastStamp))
  return item && readHead(id, item)
}

/** No ref with an earlier stamp names a blob of these births. A stamp of a later era tells nothing of when its blob was made. */
const firstStampOf = ({ era }: Topic, { fromMs }: Births): Stamp => (era === 0 ? stampAt(0, fromMs - namedBeforeMs) : 0)

/** All chunks that a ref with such a stamp can be in, segments between them or not: running stamps only grow along the index. */
async function noteIndex(core: Core, id: PartitionId, firstStamp: Stamp, note: (ref: Ref) => void): Promise<void> {
  for (let to = indexUpTo(Number.MAX_SAFE_INTEGER); ; ) {
    const rows = await core.items.query({ pk: indexPk(id), to, reverse: true, limit: entriesAPage })
    const entries = rows.map((row) => readEntryRow(id, row))
    for (const entry of entries) if (isChunk(entry)) for (const ref of entry.refs) note(ref)
    const last = rows.at(-1)
    if (!last || rows.length < entriesAPage) return
    // A sleeper's chunk may have a running stamp of its own: a page of them does not end the walk before its neighbours do.
    if (entries.every(({ runningStamp }) => runningStamp < firstStamp)) return
    to = before(last.sk)
  }
}

/** The greatest sort key below one of the index's: its last character is `c` or `s`, and nothing stands between. */
const before = (sk: string): string => `${sk.slice(0, -1)}${sk.endsWith('s') ? 'r' : 'b'}`
