/**
 * Key 9, OffsetFetch v1–9: of one group, from v8 of several (KIP-709); all that is committed where no topics are named. -1 stands
 * where nothing is committed or no such partition is. No commit ever waits for a transaction: `requireStable` changes nothing.
 *
 * Any broker answers, the coordinator or not, as the stores tell them all the same; while they tell nothing the answer is
 * COORDINATOR_LOAD_IN_PROGRESS. At NOT_COORDINATOR and COORDINATOR_NOT_AVAILABLE librdkafka (2.16) never asks again and its consumer
 * stands still: that of a group which was sharing out anew just when its coordinator changed.
 */
import { groupOffsets } from '../../groups/group-offsets.ts'
import { type CommittedOffset, fetchOffsets } from '../../groups/offsets.ts'
import type { Topic } from '../../log/topics.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { isOfStore, toKafkaError } from '../errors.ts'
import { requireAllowed } from '../groups.ts'
import type { ApiHandler } from '../handler.ts'
import { namedTopic, namedTopics, zeroUuid } from '../named-topics.ts'

type Request = RequestOf<'offsetFetch'>
type AskedTopics = readonly { readonly name: string; readonly partitionIndexes: readonly number[] }[]
type Asked = { readonly groupId: string; readonly topics: AskedTopics | null }

const severalGroupsVersion = 8
/** Before it, the group's error stands at each partition. */
const groupErrorVersion = 2
const groupsAtOnce = 8

export const offsetFetch: ApiHandler<'offsetFetch'> = {
  async handle(broker, caller, request, version) {
    const answers = await inParallel(groupsAtOnce, asked(request, version), async (group) => {
      try {
        await requireAllowed(caller, group.groupId)
        const topics = group.topics
          ? await offsetsOf(broker, caller, group.groupId, group.topics)
          : await everyOffset(broker, caller, group.groupId)
        return { groupId: group.groupId, topics, errorCode: 0 }
      } catch (error) {
        return failedGroup(group, toKafkaError(error, broker.report), version)
      }
    })
    return answer(answers)
  },
  failed: (request, error, version) =>
    answer(asked(request, version).map((group) => failedGroup(group, error, version))),
}

const asked = ({ groupId, topics, groups }: Request, version: number): readonly Asked[] =>
  version < severalGroupsVersion ? [{ groupId, topics }] : groups

type GroupAnswer = ReturnType<typeof failedGroup>

/** Up to v7 the one group's fields stand at the top: the codec drops what a version lacks. */
function answer(groups: GroupAnswer[]) {
  const [first] = groups
  return { topics: first?.topics ?? [], errorCode: first?.errorCode ?? 0, groups }
}

function failedGroup({ groupId, topics }: Asked, error: KafkaError, version: number) {
  const told = forOffsets(error)
  if (version >= groupErrorVersion) return { groupId, topics: [], errorCode: told.code }
  const failed = (topics ?? []).map(({ name, partitionIndexes }) => ({
    name,
    topicId: zeroUuid,
    partitions: partitionIndexes.map((partition) => partitionAnswer(partition, undefined, told)),
  }))
  return { groupId, topics: failed, errorCode: 0 }
}

const forOffsets = (error: KafkaError): KafkaError =>
  isOfStore(error) ? new KafkaError('COORDINATOR_LOAD_IN_PROGRESS', error.message, { cause: error }) : error

const partitionAnswer = (partitionIndex: number, committed?: CommittedOffset, error?: KafkaError) => ({
  partitionIndex,
  committedOffset: committed?.offset ?? -1,
  committedLeaderEpoch: committed?.leaderEpoch ?? -1,
  metadata: committed?.metadata ?? '',
  errorCode: error?.code ?? 0,
})

async function offsetsOf(broker: Broker, { access }: Caller, group: string, topics: AskedTopics) {
  const names = topics.map(({ name }) => name)
  const found = await namedTopics(broker, names, async (name) => {
    await access?.requireTopic('read', name, group)
    return namedTopic(broker, name)
  })
  const wanted = topics.flatMap(({ name, partitionIndexes }) => {
    const topic = found.get(name)
    if (topic instanceof KafkaError && isOfStore(topic)) throw topic
    if (!topic || topic instanceof KafkaError) return []
    return partitionIndexes
      .filter((partition) => has(topic, partition))
      .map((partition) => [topic.id, partition] as const)
  })
  const offsets = await fetchOffsets(
    broker.core,
    group,
    wanted.map(([topicId, partition]) => ({ topicId, partition })),
  )
  const committed = new Map(wanted.map(([id, partition], at) => [`${id}/${partition}`, offsets[at]]))
  return topics.map(({ name, partitionIndexes }) => {
    const topic = found.get(name)
    const error = topic instanceof KafkaError ? refusalOf(topic) : undefined
    const id = topic && !(topic instanceof KafkaError) ? topic.id : ''
    const partitions = partitionIndexes.map((at) => partitionAnswer(at, committed.get(`${id}/${at}`), error))
    return { name, topicId: zeroUuid, partitions }
  })
}

const has = (topic: Topic, partition: number): boolean => partition >= 0 && partition < topic.partitions

/** A topic that is not there simply has no offsets. */
const refusalOf = (error: KafkaError): KafkaError | undefined =>
  error.error === 'UNKNOWN_TOPIC_OR_PARTITION' ? undefined : error

async function everyOffset({ core }: Broker, { access }: Caller, group: string) {
  const offsets = await groupOffsets(core, group)
  const named = [...new Map(offsets.map(({ topic }) => [topic.name, topic])).values()]
  const visible = access ? await access.visibleTopics(named) : named
  return visible.map(({ name }) => ({
    name,
    topicId: zeroUuid,
    partitions: offsets
      .filter(({ topic }) => topic.name === name)
      .map(({ partition, ...committed }) => partitionAnswer(partition, committed)),
  }))
}
