/**
 * Key 2, ListOffsets v1–10: by time, and by the names that negative times are. There are no tiers (KIP-405): the local log is the
 * whole log, and nothing has ever left it.
 */
import { listOffset, type OffsetAt } from '../../log/offsets.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { leaderError } from '../leaders.ts'
import { topicByName } from '../topic-names.ts'

type AskedPartition = RequestOf<'listOffsets'>['topics'][number]['partitions'][number]

/** Negative times: the version that brought each, and what it means; null: what only tiers have. */
const named = new Map<number, readonly [since: number, at: OffsetAt | null]>([
  [-1, [1, 'latest']],
  [-2, [1, 'earliest']],
  [-3, [7, 'max-timestamp']],
  [-4, [8, 'earliest']],
  [-5, [9, null]],
])
const lookedUpAtOnce = 32

export const listOffsets: ApiHandler<'listOffsets'> = {
  async handle(broker, caller, request, version) {
    const asked = request.topics.flatMap(({ name, partitions }) => partitions.map((partition) => ({ name, partition })))
    const answers = await inParallel(lookedUpAtOnce, asked, async ({ name, partition }) => {
      try {
        return await lookUp(broker, caller, name, partition, version)
      } catch (error) {
        return withError(partition.partitionIndex, toKafkaError(error, broker.report))
      }
    })
    let at = 0
    const topics = request.topics.map(({ name, partitions }) => {
      const from = at
      at += partitions.length
      return { name, partitions: answers.slice(from, at) }
    })
    return { topics }
  },
  failed: ({ topics }, error) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => withError(partitionIndex, error)),
    })),
  }),
}

async function lookUp(broker: Broker, caller: Caller, name: string, asked: AskedPartition, version: number) {
  const { core, view, topicNames } = broker
  const { partitionIndex, currentLeaderEpoch } = asked
  await caller.access?.requireTopic('read', name)
  const at = whatFor(asked.timestamp, version)
  const topic = await topicByName(core, topicNames, name)
  const stale = leaderError(view, topic.id, partitionIndex, currentLeaderEpoch)
  if (stale) throw stale
  if (at === null) return { partitionIndex, errorCode: 0 }
  const { offset, timestampMs } = await listOffset(core, topic, partitionIndex, at)
  const leaderEpoch = offset < 0 ? -1 : view.leaderEpochOf(topic.id, partitionIndex)
  return { partitionIndex, errorCode: 0, offset, timestamp: timestampMs, leaderEpoch }
}

function whatFor(timestampMs: number, version: number): OffsetAt | null {
  if (timestampMs >= 0) return { timestampMs }
  const [since, at] = named.get(timestampMs) ?? [Number.POSITIVE_INFINITY, null]
  if (version >= since) return at
  throw new KafkaError('UNSUPPORTED_VERSION', `version ${version} has no timestamp ${timestampMs}`)
}

const withError = (partitionIndex: number, error: KafkaError) => ({ partitionIndex, errorCode: error.code })
