/** Key 37, CreatePartitions v0–3 (KIP-195). A manual assignment is taken where its brokers live: who leads is the cluster's affair. */
import { increasePartitions } from '../../log/alter-topic.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { duplicates } from '../duplicates.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { namedTopic } from '../named-topics.ts'
import { checkAssignment } from './assignment.ts'

type Asked = RequestOf<'createPartitions'>['topics'][number]

const topicsAtOnce = 4

export const createPartitions: ApiHandler<'createPartitions'> = {
  async handle(broker, caller, { topics, validateOnly }) {
    const twice = duplicates(topics.map(({ name }) => name))
    const distinct = [...new Map(topics.map((asked) => [asked.name, asked])).values()]
    const results = await inParallel(topicsAtOnce, distinct, async (asked) => {
      try {
        if (twice.has(asked.name)) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic name.')
        await increase(broker, caller, asked, validateOnly)
        return { name: asked.name, errorCode: 0 }
      } catch (error) {
        return failedTopic(asked, toKafkaError(error, broker.report))
      }
    })
    return { results }
  },
  failed: ({ topics }, error) => ({ results: topics.map((asked) => failedTopic(asked, error)) }),
}

async function increase(
  broker: Broker,
  { access }: Caller,
  { name, count, assignments }: Asked,
  validateOnly: boolean,
) {
  await access?.requireAdmin()
  const topic = await namedTopic(broker, name)
  if (assignments !== null) {
    const more = count - topic.partitions
    if (more > 0 && assignments.length !== more) {
      const what = `${more} partitions come on top, and ${assignments.length} are assigned`
      throw new KafkaError('INVALID_REPLICA_ASSIGNMENT', what)
    }
    for (const { brokerIds } of assignments) checkAssignment(broker.view, brokerIds)
  }
  await increasePartitions(broker.core, topic.name, count, { validateOnly })
}

const failedTopic = ({ name }: Asked, error: KafkaError) => ({
  name,
  errorCode: error.code,
  errorMessage: error.message,
})
