/**
 * What a reader does that meets a blob which has gone by itself (blob-ttl.ts): its records are over by the topic's retention, and the
 * schedule has not come yet to move the log's start. The reader moves it, and then answers as for everything below the start.
 */
import type { Core } from '../runtime/core.ts'
import { blobIdMs } from './blob-id.ts'
import { keptForMs } from './blob-ttl.ts'
import { droppedStamp, type Head, moveStart } from './head.ts'
import { firstEntryReaching } from './index-search.ts'
import { headKey, type PartitionId } from './keys.ts'
import type { Piece } from './pieces.ts'
import { readHeads } from './plan.ts'
import { stampMs } from './stamp.ts'
import { findTopic, type Topic } from './topics.ts'

/**
 * Moves the start behind the piece whose data is gone, and behind all else that is over in the index, where that is why it is gone.
 * @returns whether the log begins behind the piece now. @throws StoreError
 */
export async function passExpired(core: Core, topicName: string, id: PartitionId, missing: Piece): Promise<boolean> {
  if (!('ref' in missing) || missing.ref.ttlVersion === undefined) return false
  const topic = await findTopic(core, topicName)
  if (topic?.id !== id.topicId) return false
  const keptMs = keptForMs(topic)
  if (keptMs === undefined) return false
  const before = core.clock.now() - keptMs
  const { ref, end } = missing
  if (Math.max(blobIdMs(ref.id), ref.maxTimestampMs) >= before) return false
  const [head] = await readHeads(core, [id])
  if (!head) return false
  if (head.start >= end) return true
  // While the configs are being changed nobody knows what else is over.
  const configVersion = head.configVersion === topic.configVersion ? topic.configVersion : undefined
  const start = configVersion === undefined ? end : Math.max(end, await overTo(core, id, topic, head, before))
  const { item } = await core.items.update(headKey(id), moveStart(start, configVersion))
  return item !== undefined && Number(item.s) >= end
}

/** Up to where the index holds nothing that is younger, by its records' timestamps or by when they were appended. */
async function overTo(core: Core, id: PartitionId, { era }: Topic, head: Head, before: number): Promise<number> {
  // By stamps of a later era nobody can tell when something was appended.
  if (era > 0) return head.start
  const kept = await firstEntryReaching(core, id, {
    from: head.start,
    to: head.tailStart,
    running: ({ runningTimestampMs, runningStamp }) => Math.max(runningTimestampMs, stampMs(runningStamp)),
    target: before,
    greatest: Math.max(head.droppedTimestampMs, stampMs(droppedStamp(head))),
  })
  return kept?.base ?? head.tailStart
}
