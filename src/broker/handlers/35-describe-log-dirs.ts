/**
 * Key 35, DescribeLogDirs v1–4: one folder, which stands for the stores. Sizes are those of the batches in the log; what DeleteRecords
 * took is in them until retention removes it. The volume's own size is not known (-1).
 */
import { readHeads } from '../../log/plan.ts'
import { listTopics, type Topic } from '../../log/topics.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import type { ApiHandler } from '../handler.ts'
import { namedTopics } from '../named-topics.ts'

const logDir = '/millrace'

type Wanted = { readonly topic: Topic; readonly partitions: readonly number[] }

export const describeLogDirs: ApiHandler<'describeLogDirs'> = {
  async handle(broker, caller, { topics }) {
    const wanted = topics ? await askedTopics(broker, topics) : await everyTopic(broker)
    const visible = await visibleOf(caller, wanted)
    const heads = await readHeads(
      broker.core,
      visible.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topicId: topic.id, partition }))),
    )
    let at = 0
    const described = visible.map(({ topic, partitions }) => ({
      name: topic.name,
      partitions: partitions.flatMap((partitionIndex) => {
        const head = heads[at++]
        return head ? [{ partitionIndex, partitionSize: head.bytes, offsetLag: 0, isFutureKey: false }] : []
      }),
    }))
    return { errorCode: 0, results: [{ errorCode: 0, logDir, topics: described }] }
  },
  failed: (_request, error, version) => ({
    errorCode: error.code,
    // Before v3 only a folder can have an error.
    results: version < 3 ? [{ errorCode: error.code, logDir, topics: [] }] : [],
  }),
}

async function everyTopic({ core }: Broker): Promise<Wanted[]> {
  const topics = await listTopics(core)
  return topics.map((topic) => ({ topic, partitions: Array.from({ length: topic.partitions }, (_, at) => at) }))
}

/** What is not there is not in any folder. */
async function askedTopics(
  broker: Broker,
  asked: NonNullable<RequestOf<'describeLogDirs'>['topics']>,
): Promise<Wanted[]> {
  const found = await namedTopics(
    broker,
    asked.map(({ topic }) => topic),
  )
  return asked.flatMap(({ topic: name, partitions }) => {
    const topic = found.get(name)
    if (topic instanceof KafkaError && topic.error !== 'UNKNOWN_TOPIC_OR_PARTITION') throw topic
    if (!topic || topic instanceof KafkaError) return []
    return [{ topic, partitions: partitions.filter((at) => at >= 0 && at < topic.partitions) }]
  })
}

async function visibleOf({ access }: Caller, wanted: readonly Wanted[]): Promise<readonly Wanted[]> {
  if (!access) return wanted
  const visible = new Set((await access.visibleTopics(wanted.map(({ topic }) => topic))).map(({ name }) => name))
  return wanted.filter(({ topic }) => visible.has(topic.name))
}
