/** Key 61, DescribeProducers v0 (KIP-664). There are no transactions, which it is there to find: no producers are listed. */
import { requirePartition } from '../../log/topics.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { leaderError } from '../leaders.ts'
import { namedTopic, namedTopics } from '../named-topics.ts'

export const describeProducers: ApiHandler<'describeProducers'> = {
  async handle(broker, caller, { topics }) {
    const found = await readableTopics(
      broker,
      caller,
      topics.map(({ name }) => name),
    )
    const described = topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        const topic = found.get(name)
        try {
          if (!topic || topic instanceof KafkaError) throw topic ?? new Error('a topic was not looked for')
          requirePartition(topic, partitionIndex)
          return answer(partitionIndex, leaderError(broker.view, topic.id, partitionIndex))
        } catch (error) {
          return answer(partitionIndex, toKafkaError(error, broker.report))
        }
      }),
    }))
    return { topics: described }
  },
  failed: ({ topics }, error) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => answer(partitionIndex, error)),
    })),
  }),
}

const readableTopics = (broker: Broker, { access }: Caller, names: readonly string[]) =>
  namedTopics(broker, names, async (name) => {
    await access?.requireTopic('read', name)
    return namedTopic(broker, name)
  })

const answer = (partitionIndex: number, error?: KafkaError) => ({
  partitionIndex,
  errorCode: error?.code ?? 0,
  errorMessage: error?.message ?? null,
  activeProducers: [],
})
