/** The idempotent producers of a partition, for whoever wants to look at them (DescribeProducers, KIP-664). */
import type { Core } from '../runtime/core.ts'
import { readHead } from './head.ts'
import { headKey } from './keys.ts'
import { type ProducerState, producerOfAttribute, unpackProducer } from './producer-state.ts'
import { untilDeadline } from './retry.ts'
import { spilledProducers } from './spilled-producers.ts'
import { requirePartition, type Topic, unknownTopic } from './topics.ts'

/** As Kafka's `producer.id.expiration.ms`: who was idle for longer is not told of. */
const toldOfMs = 24 * 3_600_000
const spilledMax = 1_000

export type ActiveProducer = ProducerState & { readonly producerId: number }

/**
 * Those that appended to the partition in the last 24 hours, by producer id; at most a thousand of those that have left its head.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION; StoreError
 */
export async function describeProducers(core: Core, topic: Topic, partition: number): Promise<ActiveProducer[]> {
  requirePartition(topic, partition)
  const id = { topicId: topic.id, partition }
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  const item = await untilDeadline(core, deadlineMs, () => core.items.get(headKey(id)))
  if (!item) {
    core.memory.topics.delete(topic.name)
    throw unknownTopic(topic.name)
  }
  const { producers, spills } = readHead(id, item)
  const nowMs = core.clock.now()
  // Read after the head: who leaves it in between is told of either way.
  const all = new Map(
    spills > 0 ? await untilDeadline(core, deadlineMs, () => spilledProducers(core, id, spilledMax)) : [],
  )
  for (const [name, state] of producers) all.set(producerOfAttribute(name), unpackProducer(state, nowMs))
  return [...all]
    .map(([producerId, state]) => ({ producerId, ...state }))
    .filter(({ usedMs }) => nowMs - usedMs <= toldOfMs)
    .sort((a, b) => a.producerId - b.producerId)
}
