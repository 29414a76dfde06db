/** Key 20, DeleteTopics v1–6: by name, from v6 by name or by id (KIP-516). */
import { deleteTopic } from '../../log/topics.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { duplicates } from '../duplicates.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { zeroUuid } from '../named-topics.ts'
import { isById, topicNow } from '../topic-names.ts'

type Asked = RequestOf<'deleteTopics'>['topics'][number]

const byIdVersion = 6
const topicsAtOnce = 4

export const deleteTopics: ApiHandler<'deleteTopics'> = {
  async handle(broker, caller, request, version) {
    const topics = asked(request, version)
    const twice = duplicates(topics.map(keyOf))
    const distinct = [...new Map(topics.map((one) => [keyOf(one), one])).values()]
    const responses = await inParallel(topicsAtOnce, distinct, async (one) => {
      try {
        if (twice.has(keyOf(one))) throw new KafkaError('INVALID_REQUEST', 'Duplicate topic name or id.')
        return { ...(await remove(broker, caller, one)), errorCode: 0 }
      } catch (error) {
        return failedTopic(one, toKafkaError(error, broker.report))
      }
    })
    return { responses }
  },
  failed: (request, error, version) => ({ responses: asked(request, version).map((one) => failedTopic(one, error)) }),
}

const asked = ({ topics, topicNames }: RequestOf<'deleteTopics'>, version: number): readonly Asked[] =>
  version < byIdVersion ? topicNames.map((name) => ({ name, topicId: zeroUuid })) : topics

const keyOf = ({ name, topicId }: Asked): string => `${topicId}/${name}`

async function remove({ core, topicNames }: Broker, { access }: Caller, one: Asked) {
  if (isById(one) === (one.name !== null)) {
    throw new KafkaError('INVALID_REQUEST', 'a topic is named by its name or by its id')
  }
  await access?.requireAdmin()
  const { id, name } = await topicNow(core, topicNames, one)
  await deleteTopic(core, name, id)
  return { name, topicId: id }
}

const failedTopic = ({ name, topicId }: Asked, error: KafkaError) => ({
  name,
  topicId,
  errorCode: error.code,
  errorMessage: error.message,
})
