/**
 * Key 19, CreateTopics v2–7. The stores keep three copies whatever the replication factor says: 1 to 3 is taken, and as many as
 * there are brokers. A manual assignment is taken where its brokers live, and only counts partitions: who leads is the cluster's
 * affair. Kafka's refusal of names that differ only in '.' and '_' is not ours: no metrics here mix them up.
 */
import { checkNewTopic, createTopic, type NewTopic, type Topic } from '../../log/topics.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { replicationFactor as copies } from '../../runtime/broker-configs.ts'
import { inParallel } from '../../runtime/parallel.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { topicConfigEntries } from '../config-entries.ts'
import { duplicates } from '../duplicates.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { zeroUuid } from '../named-topics.ts'
import { checkAssignment } from './assignment.ts'

type Asked = RequestOf<'createTopics'>['topics'][number]

const byDefault = -1
const topicsAtOnce = 4

export const createTopics: ApiHandler<'createTopics'> = {
  async handle(broker, caller, { topics, validateOnly }) {
    const twice = duplicates(topics.map(({ name }) => name))
    const distinct = new Map(topics.map((asked) => [asked.name, asked]))
    const answers = await inParallel(topicsAtOnce, [...distinct.values()], async (asked) => {
      try {
        if (twice.has(asked.name)) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic name.')
        return await create(broker, caller, asked, validateOnly)
      } catch (error) {
        return failedTopic(asked, toKafkaError(error, broker.report))
      }
    })
    return { topics: answers }
  },
  failed: ({ topics }, error) => ({ topics: topics.map((asked) => failedTopic(asked, error)) }),
}

async function create(broker: Broker, { access }: Caller, asked: Asked, validateOnly: boolean) {
  const { core, view, topicNames } = broker
  await access?.requireAdmin()
  const wanted = newTopic(broker, asked)
  let topic: Pick<Topic, 'id' | 'partitions' | 'overrides'>
  if (validateOnly) {
    const { partitions = core.settings.defaultPartitions } = wanted
    topic = { id: zeroUuid, partitions, overrides: await checkNewTopic(core, wanted) }
  } else {
    const made = await createTopic(core, wanted)
    topicNames.saw([made])
    topic = made
  }
  return {
    name: asked.name,
    topicId: topic.id,
    errorCode: 0,
    errorMessage: null,
    numPartitions: topic.partitions,
    replicationFactor: view.brokers().length,
    configs: topicConfigEntries(topic),
  }
}

function newTopic({ view }: Broker, { name, numPartitions, replicationFactor, assignments, configs }: Asked): NewTopic {
  const partitions = assignments.length > 0 ? assigned(view, assignments) : numPartitions
  if (assignments.length > 0 && (numPartitions !== byDefault || replicationFactor !== byDefault)) {
    const what = 'a manual partition assignment stands beside a number of partitions or a replication factor'
    throw new KafkaError('INVALID_REQUEST', what)
  }
  const copiesMax = Math.max(copies, view.brokers().length)
  if (replicationFactor !== byDefault && (replicationFactor < 1 || replicationFactor > copiesMax)) {
    const what = `the replication factor must be 1 to ${copiesMax}, not ${replicationFactor}`
    throw new KafkaError('INVALID_REPLICATION_FACTOR', what)
  }
  const named = configs.map(({ name: config, value }): [string, string] => {
    if (value !== null) return [config, value]
    throw new KafkaError('INVALID_CONFIG', `Null value not supported for topic configs: ${config}`)
  })
  return { name, configs: Object.fromEntries(named), ...(partitions === byDefault ? {} : { partitions }) }
}

function assigned(view: Broker['view'], assignments: Asked['assignments']): number {
  const indexes = assignments.map(({ partitionIndex }) => partitionIndex).sort((a, b) => a - b)
  if (indexes.some((index, at) => index !== at)) {
    throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', 'partitions must be a consecutive 0-based list')
  }
  for (const { brokerIds } of assignments) checkAssignment(view, brokerIds)
  return assignments.length
}

const failedTopic = ({ name }: Asked, error: KafkaError) => ({
  name,
  topicId: zeroUuid,
  errorCode: error.code,
  errorMessage: error.message,
  numPartitions: -1,
  replicationFactor: -1,
  configs: [],
})
