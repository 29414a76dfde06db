/**
 * Key 3, Metadata v0–13: topics by name or by id (v12, KIP-516), created on the fly where settings and client allow. A topic that
 * is made so is answered at once; Kafka says LEADER_NOT_AVAILABLE first. Where the store does not tell, the connection is closed.
 */
import { clusterId } from '../../log/cluster.ts'
import { untilDeadline } from '../../log/retry.ts'
import { checkTopicName, createTopic, listTopics, type Topic, topicNamed } from '../../log/topics.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { zeroUuid } from '../../protocol/codec/schema.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Core } from '../../runtime/core.ts'
import { inParallel } from '../../runtime/parallel.ts'
import { authorizedOperations } from '../authorized-operations.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { FrameError, isOfStore, toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { currentLeader, endpoints, leaderErrorCode, replicasOf } from '../leaders.ts'
import { isById, topicNow, unknownTopicId } from '../topic-names.ts'

type Asked = NonNullable<RequestOf<'metadata'>['topics']>[number]

const topicsAtOnce = 32
/** Topics by id are named in the answer only from here on. */
const nullableNameVersion = 12

export const metadata: ApiHandler<'metadata'> = {
  async handle(broker, caller, request, version) {
    const { core, view } = broker
    const all = request.topics === null || (version === 0 && request.topics.length === 0)
    if (version < nullableNameVersion && request.topics?.some(isById)) {
      throw new KafkaError('INVALID_REQUEST', `topics by id are asked for from version ${nullableNameVersion} on`)
    }
    const [id, topics] = await Promise.all([
      patiently(core, () => clusterId(core)),
      all ? allTopics(broker, caller) : askedTopics(broker, caller, request),
    ])
    const { includeClusterAuthorizedOperations, includeTopicAuthorizedOperations } = request
    const topicAuthorizedOperations = authorizedOperations(caller, 'topic', includeTopicAuthorizedOperations)
    return {
      brokers: endpoints(view),
      clusterId: id,
      controllerId: view.controller(),
      topics: topics.map((topic) => ({ ...topic, topicAuthorizedOperations })),
      clusterAuthorizedOperations: authorizedOperations(caller, 'cluster', includeClusterAuthorizedOperations),
      errorCode: 0,
    }
  },
  failed({ topics }, error, version) {
    // Clients take any answer for what there is: librdkafka's consumers would give up their partitions for minutes.
    if (isOfStore(error)) throw new FrameError(`nothing is known of the topics: ${error.message}`, { cause: error })
    return {
      brokers: [],
      topics: (topics ?? []).map((asked) => failedTopic(asked, error, version)),
      errorCode: error.code,
    }
  },
}

/** Asks the store again for as long as an append would. */
const patiently = <T>(core: Core, ask: () => Promise<T>): Promise<T> =>
  untilDeadline(core, core.clock.uptime() + core.settings.appendTimeoutMs, ask)

async function allTopics(broker: Broker, caller: Caller) {
  const topics = await patiently(broker.core, () => listTopics(broker.core))
  broker.topicNames.saw(topics)
  const visible = caller.access ? await caller.access.visibleTopics(topics) : topics
  return visible.map((topic) => described(broker, topic))
}

function askedTopics(broker: Broker, caller: Caller, { topics, allowAutoTopicCreation }: RequestOf<'metadata'>) {
  return inParallel(topicsAtOnce, topics ?? [], async (asked) => {
    try {
      const topic = await patiently(broker.core, () => topicAsked(broker, caller, asked, allowAutoTopicCreation))
      return described(broker, topic)
    } catch (error) {
      const told = toKafkaError(error, broker.report)
      if (isOfStore(told)) throw told
      return failedTopic(asked, told, nullableNameVersion)
    }
  })
}

async function topicAsked({ core, topicNames }: Broker, caller: Caller, asked: Asked, mayCreate: boolean) {
  if (isById(asked)) {
    const topic = await topicNow(core, topicNames, asked)
    const visible = caller.access ? await caller.access.visibleTopics([topic]) : [topic]
    if (visible.length === 0) throw unknownTopicId(asked.topicId)
    return topic
  }
  const name = asked.name ?? ''
  const visible = caller.access ? await caller.access.visibleTopics([{ name }]) : [{ name }]
  if (visible.length === 0) {
    throw new KafkaError('TOPIC_AUTHORIZATION_FAILED', `Not authorized to access topics: [${name.slice(0, 249)}]`)
  }
  checkTopicName(name)
  try {
    return await topicNow(core, topicNames, asked)
  } catch (error) {
    const isMissing = error instanceof KafkaError && error.error === 'UNKNOWN_TOPIC_OR_PARTITION'
    if (!isMissing || !mayCreate || !core.settings.autoCreateTopics) throw error
    await caller.access?.requireTopic('write', name)
    return make()
  }

  async function make(): Promise<Topic> {
    try {
      return await createTopic(core, { name })
    } catch (error) {
      if (error instanceof KafkaError && error.error === 'TOPIC_ALREADY_EXISTS') return topicNamed(core, name)
      throw error
    }
  }
}

function described({ view, topicNames }: Broker, topic: Topic) {
  topicNames.saw([topic])
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.id,
    partitions: Array.from({ length: topic.partitions }, (_, partition) => {
      const replicas = replicasOf(view, topic.id, partition)
      const leader = currentLeader(view, topic.id, partition)
      return {
        errorCode: leaderErrorCode(leader.leaderId),
        partitionIndex: partition,
        ...leader,
        replicaNodes: replicas,
        isrNodes: replicas,
      }
    }),
  }
}

function failedTopic(asked: Asked, error: KafkaError, version: number) {
  const byId = isById(asked)
  const name = byId && version >= nullableNameVersion ? null : (asked.name ?? '')
  return { errorCode: error.code, name, topicId: byId ? asked.topicId : zeroUuid, partitions: [] }
}
