/**
 * Key 75, DescribeTopicPartitions v0 (KIP-966): Metadata in pages, topics in order of their names. Who else could lead is not told:
 * every live broker could.
 */
import { listTopics, type Topic } from '../../log/topics.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { zeroUuid } from '../../protocol/codec/schema.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import { authorizedOperations } from '../authorized-operations.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { currentLeader, leaderErrorCode, replicasOf } from '../leaders.ts'
import { topicNow } from '../topic-names.ts'

type Request = RequestOf<'describeTopicPartitions'>
type Found = { readonly name: string; readonly topic: Topic } | { readonly name: string; readonly error: KafkaError }

/** `max.request.partition.size.limit` */
const partitionsMax = 2_000
const topicsAtOnce = 32

export const describeTopicPartitions: ApiHandler<'describeTopicPartitions'> = {
  async handle(broker, caller, request) {
    const { cursor, responsePartitionLimit } = request
    if (cursor && cursor.partitionIndex < 0) {
      throw new KafkaError('INVALID_REQUEST', `a cursor cannot begin at partition ${cursor.partitionIndex}`)
    }
    const found =
      request.topics.length === 0 ? await everyTopic(broker, caller, request) : await asked(broker, caller, request)
    const { topics, ...rest } = page(
      broker,
      found,
      cursor,
      Math.max(1, Math.min(responsePartitionLimit, partitionsMax)),
    )
    const topicAuthorizedOperations = authorizedOperations(caller, 'topic')
    return { topics: topics.map((topic) => ({ ...topic, topicAuthorizedOperations })), ...rest }
  },
  failed: ({ topics }, error) => ({ topics: topics.map(({ name }) => failedTopic(name, error)) }),
}

async function everyTopic({ core }: Broker, { access }: Caller, { cursor }: Request): Promise<Found[]> {
  const topics = await listTopics(core)
  const visible = access ? await access.visibleTopics(topics) : topics
  return visible.filter(({ name }) => name >= (cursor?.topicName ?? '')).map((topic) => ({ name: topic.name, topic }))
}

async function asked(broker: Broker, { access }: Caller, { topics, cursor }: Request): Promise<Found[]> {
  const from = cursor?.topicName ?? ''
  // The cursor's own topic belongs to the page, whether it is asked for again or not.
  const wanted = new Set([...topics.map(({ name }) => name).filter((name) => name >= from), ...(cursor ? [from] : [])])
  return inParallel(topicsAtOnce, [...wanted].sort(), async (name) => {
    try {
      const visible = access ? await access.visibleTopics([{ name }]) : [{ name }]
      if (visible.length === 0) throw new KafkaError('TOPIC_AUTHORIZATION_FAILED', `Not authorized to access ${name}`)
      return { name, topic: await topicNow(broker.core, broker.topicNames, { name, topicId: zeroUuid }) }
    } catch (error) {
      return { name, error: toKafkaError(error, broker.report) }
    }
  })
}

function page({ view }: Broker, found: readonly Found[], cursor: Request['cursor'], limit: number) {
  const topics = []
  let left = limit
  for (const one of found) {
    const { name } = one
    const from = name === cursor?.topicName ? cursor.partitionIndex : 0
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: from } }
    if ('error' in one) {
      topics.push(failedTopic(name, one.error))
      continue
    }
    const { topic } = one
    const count = Math.min(left, Math.max(0, topic.partitions - from))
    const partitions = Array.from({ length: count }, (_, at) => {
      const replicas = replicasOf(view, topic.id, from + at)
      const leader = currentLeader(view, topic.id, from + at)
      // Empty, not null: Kafka's own admin client cannot read a null list of eligible leaders (KIP-966).
      const elr = { eligibleLeaderReplicas: [], lastKnownElr: [] }
      const copies = { replicaNodes: replicas, isrNodes: replicas, ...elr, offlineReplicas: [] }
      return { errorCode: leaderErrorCode(leader.leaderId), partitionIndex: from + at, ...leader, ...copies }
    })
    topics.push({ errorCode: 0, name, topicId: topic.id, partitions })
    left -= count
    if (from + count < topic.partitions)
      return { topics, nextCursor: { topicName: name, partitionIndex: from + count } }
  }
  return { topics }
}

const failedTopic = (name: string, error: KafkaError) => ({
  errorCode: error.code,
  name,
  topicId: zeroUuid,
  partitions: [],
})
