/**
 * Key 23, OffsetForLeaderEpoch v2–4: where the records of an epoch end. No log is ever truncated, whoever
 * leads, so that every epoch up to now reaches to the end of the log as far as a client's position is concerned.
 */
import { partitionBounds } from '../../log/offsets.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { leaderError } from '../leaders.ts'
import { topicByName } from '../topic-names.ts'

type AskedPartition = RequestOf<'offsetForLeaderEpoch'>['topics'][number]['partitions'][number]

const lookedUpAtOnce = 32

export const offsetForLeaderEpoch: ApiHandler<'offsetForLeaderEpoch'> = {
  async handle(broker, caller, request) {
    const asked = request.topics.flatMap(({ topic, partitions }) => partitions.map((one) => ({ topic, one })))
    const answers = await inParallel(lookedUpAtOnce, asked, async ({ topic, one }) => {
      try {
        return await lookUp(broker, caller, topic, one)
      } catch (error) {
        return withError(one.partition, toKafkaError(error, broker.report))
      }
    })
    let at = 0
    const topics = request.topics.map(({ topic, partitions }) => {
      const from = at
      at += partitions.length
      return { topic, partitions: answers.slice(from, at) }
    })
    return { topics }
  },
  failed: ({ topics }, error) => ({
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => withError(partition, error)),
    })),
  }),
}

async function lookUp({ core, view, topicNames }: Broker, caller: Caller, name: string, asked: AskedPartition) {
  const { partition, currentLeaderEpoch, leaderEpoch } = asked
  await caller.access?.requireTopic('read', name)
  const topic = await topicByName(core, topicNames, name)
  const stale = leaderError(view, topic.id, partition, currentLeaderEpoch)
  if (stale) throw stale
  const { latest } = await partitionBounds(core, topic, partition)
  // Of epochs that are yet to come nothing is known.
  const isKnown = leaderEpoch >= 0 && leaderEpoch <= view.leaderEpochOf(topic.id, partition)
  return { errorCode: 0, partition, ...(isKnown ? { leaderEpoch, endOffset: latest } : {}) }
}

const withError = (partition: number, error: KafkaError) => ({ errorCode: error.code, partition })
