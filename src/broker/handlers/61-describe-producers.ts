/** Key 61, DescribeProducers v0 (KIP-664): idempotent producers. There are no transactions: none has ever an open one. */
import { type ActiveProducer, describeProducers as producersOf } from '../../log/describe-producers.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { leaderError } from '../leaders.ts'
import { namedTopic, namedTopics, requireFound } from '../named-topics.ts'

const partitionsAtOnce = 16

export const describeProducers: ApiHandler<'describeProducers'> = {
  async handle(broker, caller, { topics }) {
    const found = await readableTopics(
      broker,
      caller,
      topics.map(({ name }) => name),
    )
    const asked = topics.flatMap(({ name, partitionIndexes }) => partitionIndexes.map((at) => ({ name, at })))
    const answers = await inParallel(partitionsAtOnce, asked, async ({ name, at }) => {
      try {
        const topic = requireFound(found.get(name))
        const elsewhere = leaderError(broker.view, topic.id, at)
        if (elsewhere) throw elsewhere
        return answer(at, await producersOf(broker.core, topic, at))
      } catch (error) {
        return answer(at, [], toKafkaError(error, broker.report))
      }
    })
    let from = 0
    return {
      topics: topics.map(({ name, partitionIndexes }) => {
        const partitions = answers.slice(from, from + partitionIndexes.length)
        from += partitionIndexes.length
        return { name, partitions }
      }),
    }
  },
  failed: ({ topics }, error) => ({
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => answer(partitionIndex, [], error)),
    })),
  }),
}

const readableTopics = (broker: Broker, { access }: Caller, names: readonly string[]) =>
  namedTopics(broker, names, async (name) => {
    await access?.requireTopic('read', name)
    return namedTopic(broker, name)
  })

const answer = (partitionIndex: number, producers: readonly ActiveProducer[], error?: KafkaError) => ({
  partitionIndex,
  errorCode: error?.code ?? 0,
  errorMessage: error?.message ?? null,
  activeProducers: producers.map(({ producerId, epoch, lastSequence, usedMs }) => ({
    producerId,
    producerEpoch: epoch,
    lastSequence,
    lastTimestamp: usedMs,
    coordinatorEpoch: -1,
  })),
})
