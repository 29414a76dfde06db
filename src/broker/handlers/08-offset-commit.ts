/**
 * Key 8, OffsetCommit v2–9. Each partition has its own error; what is wrong with the group or the member is told for each. A
 * generation below 0 is that of a consumer outside of group membership, which may commit while the group is empty. Retention times
 * of v2–4 are not kept: `offsets.retention.minutes` holds for all. An empty group id is refused (Kafka takes it for old clients'
 * sake), and so is an offset below 0.
 */
import { type Committer, commitOffsets, metadataBytesMax, type OffsetCommit } from '../../groups/offsets.ts'
import { requirePartition, type Topic } from '../../log/topics.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { toKafkaError } from '../errors.ts'
import { forGroups, forMember, instanceOf, requireGroup } from '../groups.ts'
import type { ApiHandler } from '../handler.ts'
import { namedTopic, namedTopics, requireFound } from '../named-topics.ts'

type Request = RequestOf<'offsetCommit'>
type AskedTopic = Request['topics'][number]
type AskedPartition = AskedTopic['partitions'][number]

export const offsetCommit: ApiHandler<'offsetCommit'> = {
  async handle(broker, caller, request) {
    await requireGroup(broker, caller, request.groupId)
    const found = await topicsToCommit(broker, caller, request)
    const topics = request.topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map((one) => take(found.get(name), one)),
    }))
    const taken = topics.flatMap(({ partitions }) => partitions.flatMap((one) => ('commit' in one ? [one.commit] : [])))
    const error = await commitAll(broker, request, taken)
    return {
      topics: topics.map(({ partitions, ...topic }) => ({
        ...topic,
        partitions: partitions.map(({ partitionIndex, ...one }) => ({
          partitionIndex,
          errorCode: ('error' in one ? one.error : error)?.code ?? 0,
        })),
      })),
    }
  },
  failed: ({ topics }, error) => ({
    topics: topics.map(({ name, topicId, partitions }) => ({
      name,
      topicId,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: forGroups(error).code })),
    })),
  }),
}

const topicsToCommit = (broker: Broker, { access }: Caller, { groupId, topics }: Request) =>
  namedTopics(
    broker,
    topics.map(({ name }) => name),
    async (name) => {
      await access?.requireTopic('read', name, groupId)
      return namedTopic(broker, name)
    },
  )

type Taken = { readonly partitionIndex: number } & ({ readonly commit: OffsetCommit } | { readonly error: KafkaError })

function take(found: Topic | KafkaError | undefined, asked: AskedPartition): Taken {
  const { partitionIndex, committedOffset: offset, committedLeaderEpoch, committedMetadata } = asked
  try {
    const topic = requireFound(found)
    requirePartition(topic, partitionIndex)
    if (offset < 0) throw new KafkaError('INVALID_REQUEST', `${offset} is no offset`)
    const metadata = committedMetadata ?? ''
    if (Buffer.byteLength(metadata) > metadataBytesMax) {
      throw new KafkaError('OFFSET_METADATA_TOO_LARGE', `metadata has at most ${metadataBytesMax} bytes`)
    }
    const leaderEpoch = committedLeaderEpoch < 0 ? {} : { leaderEpoch: committedLeaderEpoch }
    return {
      partitionIndex,
      commit: { topicId: topic.id, partition: partitionIndex, offset, metadata, ...leaderEpoch },
    }
  } catch (error) {
    if (error instanceof KafkaError) return { partitionIndex, error: forGroups(error) }
    throw error
  }
}

async function commitAll({ core, report }: Broker, request: Request, commits: readonly OffsetCommit[]) {
  try {
    await commitOffsets(core, request.groupId, commits, committerOf(request))
    return undefined
  } catch (error) {
    return forMember(toKafkaError(error, report), request.groupInstanceId)
  }
}

function committerOf({ generationIdOrMemberEpoch, memberId, groupInstanceId }: Request): Committer | undefined {
  if (generationIdOrMemberEpoch < 0) return undefined
  return { memberId, generation: generationIdOrMemberEpoch, ...instanceOf(groupInstanceId) }
}
