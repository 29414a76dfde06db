/**
 * Moving the start of a log forward (Kafka's DeleteRecords, KIP-107): one conditional update of the head. Refs that lie below the
 * start stay where they are, and nobody reads them: every read begins at the start, and goes by it in the batch that holds it.
 * Their bytes go with retention.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { moveStart, readHead } from './head.ts'
import { headKey } from './keys.ts'
import { untilDeadline } from './retry.ts'
import { configValue } from './topic-configs.ts'
import { findTopic, requirePartition, type Topic, unknownTopic } from './topics.ts'

/**
 * Removes what lies before `offset`, for all readers and for good; `end`: all that is there now. Returns the log's start, which is
 * beyond `offset` where more had been removed before.
 * @throws KafkaError OFFSET_OUT_OF_RANGE, POLICY_VIOLATION (a topic that is only compacted), UNKNOWN_TOPIC_OR_PARTITION; nothing
 *   was changed. StoreError: it may or may not be done, and may be asked for again.
 */
export async function deleteRecords(
  core: Core,
  topic: Topic,
  partition: number,
  offset: number | 'end',
): Promise<number> {
  requirePartition(topic, partition)
  if (!policies(topic).includes('delete')) {
    throw new KafkaError('POLICY_VIOLATION', `records of '${topic.name}' go by compaction only: see its cleanup.policy`)
  }
  const id = { topicId: topic.id, partition }
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  const before = offset === 'end' ? (await headNow()).next : offset
  const { item } = await untilDeadline(core, deadlineMs, () => core.items.update(headKey(id), moveStart(before)))
  if (!item) throw await gone(core, topic)
  const { start, next } = readHead(id, item)
  if (before >= 0 && before <= next) return start
  throw new KafkaError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${before} of ${topic.name}-${partition} is out of range: the log holds offsets ${start} to ${next}`,
  )

  async function headNow() {
    const found = await untilDeadline(core, deadlineMs, () => core.items.get(headKey(id)))
    if (!found) throw await gone(core, topic)
    return readHead(id, found)
  }
}

const policies = ({ overrides }: Topic): string[] =>
  configValue(overrides, 'cleanup.policy')
    .split(',')
    .map((policy) => policy.trim())

/** Forgets what this process remembers of the topic. */
async function gone(core: Core, { name }: Topic): Promise<KafkaError> {
  await findTopic(core, name)
  return unknownTopic(name)
}
