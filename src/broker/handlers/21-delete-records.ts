/**
 * Key 21, DeleteRecords v0–2 (KIP-107): the log's start moves at once, for all readers. The bytes before it are still stored, and
 * counted in the partition's size, until retention takes them.
 */
import { deleteRecords as moveStart } from '../../log/delete-records.ts'
import type { Topic } from '../../log/topics.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import type { Broker } from '../broker.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { leaderError } from '../leaders.ts'
import { namedTopics, requireFound } from '../named-topics.ts'

const toTheEnd = -1
const partitionsAtOnce = 16

export const deleteRecords: ApiHandler<'deleteRecords'> = {
  async handle(broker, { access }, { topics }) {
    await access?.requireAdmin()
    const found = await namedTopics(
      broker,
      topics.map(({ name }) => name),
    )
    const asked = topics.flatMap(({ name, partitions }) =>
      partitions.map((one) => ({ topic: found.get(name), ...one })),
    )
    const answers = await inParallel(partitionsAtOnce, asked, async ({ topic, partitionIndex, offset }) => {
      try {
        const lowWatermark = await move(broker, requireFound(topic), partitionIndex, offset)
        return { partitionIndex, lowWatermark, errorCode: 0 }
      } catch (error) {
        return failedPartition(partitionIndex, toKafkaError(error, broker.report))
      }
    })
    let at = 0
    return {
      topics: topics.map(({ name, partitions }) => {
        const from = at
        at += partitions.length
        return { name, partitions: answers.slice(from, at) }
      }),
    }
  },
  failed: ({ topics }, error) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => failedPartition(partitionIndex, error)),
    })),
  }),
}

async function move({ core, view }: Broker, topic: Topic, partition: number, offset: number) {
  const elsewhere = leaderError(view, topic.id, partition)
  if (elsewhere) throw elsewhere
  return moveStart(core, topic, partition, offset === toTheEnd ? 'end' : offset)
}

const failedPartition = (partitionIndex: number, error: KafkaError) => ({
  partitionIndex,
  lowWatermark: -1,
  errorCode: error.code,
})
