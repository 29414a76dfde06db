/**
 * Key 0, Produce v3–13 (advertised from 0, see `apis.ts`): by name, from v13 by id. Acks 1 and -1 are the same here: every answer
 * comes after the records are durable. Acks 0 is appended all the same, and never answered; where it fails the connection is
 * closed, as Kafka does. There are no transactions yet.
 */
import { InvalidRecords } from '../../log/admit.ts'
import type { AppendOutcome, NewBatches } from '../../log/append.ts'
import { UnknownProducer } from '../../log/producers.ts'
import type { Topic } from '../../log/topics.ts'
import type { RequestOf, ResponseOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { TopicBatches } from '../appender.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { FrameError, toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { currentLeader, endpoints, leaderError, ledEpoch } from '../leaders.ts'
import { isById, topicFor, unknownTopicId } from '../topic-names.ts'
import { requireProducible } from './producible.ts'

type AskedTopic = RequestOf<'produce'>['topicData'][number]
type AskedPartition = AskedTopic['partitionData'][number]
type TopicAnswer = ResponseOf<'produce'>['responses'][number]
type PartitionAnswer = TopicAnswer['partitionResponses'][number]

export const produce: ApiHandler<'produce'> = {
  async handle(broker, caller, request, version) {
    checkRequest(request)
    const taken = await Promise.all(request.topicData.map((asked) => take(broker, caller, asked, version)))
    const toAppend = taken.flatMap((one) => ('batches' in one && one.batches.length > 0 ? [one] : []))
    const appending = broker.append(toAppend)
    if (broker.appendsInOrder) caller.onOrdered?.()
    const appended = await appending
    const outcomes = new Map<unknown, readonly AppendOutcome[]>(toAppend.map((one, at) => [one, appended[at] ?? []]))
    const responses = taken.map((one) => answerTopic(broker, one, outcomes.get(one)))
    if (request.acks === 0) return unanswered(responses)
    const moved = responses.some(({ partitionResponses }) => partitionResponses.some((one) => one.currentLeader))
    return { responses, ...(moved ? { nodeEndpoints: endpoints(broker.view) } : {}) }
  },
  failed(request, error) {
    if (request.acks === 0) throw new FrameError(`a produce request without an answer failed: ${error.message}`)
    return {
      responses: request.topicData.map(({ name, topicId, partitionData }) => ({
        name,
        topicId,
        partitionResponses: partitionData.map(({ index }) => failedPartition(index, error)),
      })),
    }
  },
}

function checkRequest({ acks, transactionalId }: RequestOf<'produce'>): void {
  if (acks < -1 || acks > 1) throw new KafkaError('INVALID_REQUIRED_ACKS', `acks must be -1, 0 or 1, not ${acks}`)
  if (transactionalId !== null) {
    throw new KafkaError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'transactions are not supported yet')
  }
}

/** What of a topic may be appended, and what is refused already. */
type Taken = TopicBatches & { readonly asked: AskedTopic; readonly refused: ReadonlyMap<AskedPartition, KafkaError> }
type Refused = { readonly asked: AskedTopic; readonly error: KafkaError }

async function take(broker: Broker, caller: Caller, asked: AskedTopic, version: number): Promise<Taken | Refused> {
  let topic: Topic
  try {
    topic = await topicToWrite(broker, caller, asked)
  } catch (error) {
    return { asked, error: toKafkaError(error, broker.report) }
  }
  const batches: NewBatches[] = []
  const refused = new Map<AskedPartition, KafkaError>()
  const seen = new Set<number>()
  for (const one of asked.partitionData) {
    try {
      if (seen.has(one.index)) throw new KafkaError('INVALID_REQUEST', `partition ${one.index} stands there twice`)
      seen.add(one.index)
      const elsewhere = leaderError(broker.view, topic.id, one.index)
      if (elsewhere) throw elsewhere
      const records = requireProducible(one.records, version)
      batches.push({ partition: one.index, records, ...ledEpoch(broker.view, topic.id, one.index) })
    } catch (error) {
      refused.set(one, toKafkaError(error, broker.report))
    }
  }
  return { topic, batches, byId: isById(asked), asked, refused }
}

async function topicToWrite({ core, topicNames }: Broker, caller: Caller, asked: AskedTopic): Promise<Topic> {
  if (!isById(asked)) await caller.access?.requireTopic('write', asked.name)
  const topic = await topicFor(core, topicNames, asked)
  if (isById(asked)) await caller.access?.requireTopic('write', topic.name)
  return topic
}

function answerTopic(
  broker: Broker,
  taken: Taken | Refused,
  outcomes: readonly AppendOutcome[] | undefined,
): TopicAnswer {
  const { name, topicId, partitionData } = taken.asked
  const partitionResponses = partitionData.map((one): PartitionAnswer => {
    if ('error' in taken) return failedPartition(one.index, taken.error)
    const refusal = taken.refused.get(one)
    if (refusal?.error === 'NOT_LEADER_OR_FOLLOWER') {
      const leader = currentLeader(broker.view, taken.topic.id, one.index)
      return { ...failedPartition(one.index, refusal), currentLeader: leader }
    }
    if (refusal) return failedPartition(one.index, refusal)
    const outcome = outcomes?.find(({ partition }) => partition === one.index)
    if (!outcome) throw new Error(`the log gave no answer for partition ${one.index}`)
    if ('error' in outcome) {
      // Another led the partition before this broker heard of it.
      if (outcome.error.error === 'NOT_LEADER_OR_FOLLOWER') broker.view.outdated?.()
      return { ...failedPartition(one.index, onTheWire(broker, outcome.error, taken)), ...detailsOf(outcome.error) }
    }
    const { baseOffset, logAppendTimeMs, logStartOffset } = outcome
    return { index: one.index, errorCode: 0, baseOffset, logAppendTimeMs, logStartOffset }
  })
  return { name, topicId, partitionResponses }
}

/**
 * What producers know to send again, or to look for by its new id. To one that is not known here UNKNOWN_PRODUCER_ID says to begin
 * another epoch (KIP-360); out of order would be the end of librdkafka's. But the second batch must not begin one while the first is
 * being sent again: only where all come by in one process, in order, can the two be told apart.
 */
function onTheWire({ appendsInOrder, view }: Broker, error: KafkaError, { byId, topic }: Taken): KafkaError {
  if (error instanceof UnknownProducer && appendsInOrder && !view.fences) {
    return new KafkaError('UNKNOWN_PRODUCER_ID', error.message, { cause: error })
  }
  if (error.error === 'THROTTLING_QUOTA_EXCEEDED') {
    return new KafkaError('KAFKA_STORAGE_ERROR', error.message, { cause: error })
  }
  return byId && error.error === 'UNKNOWN_TOPIC_OR_PARTITION' ? unknownTopicId(topic.id) : error
}

function detailsOf(error: KafkaError): Partial<PartitionAnswer> {
  // Java's producer begins no other epoch before it is told where the log starts.
  if (error instanceof UnknownProducer) return { logStartOffset: error.logStartOffset }
  if (!(error instanceof InvalidRecords)) return {}
  return { recordErrors: error.records.map((batchIndex) => ({ batchIndex, batchIndexErrorMessage: error.message })) }
}

const failedPartition = (index: number, error: KafkaError): PartitionAnswer => ({
  index,
  errorCode: error.code,
  baseOffset: -1,
  errorMessage: error.message,
})

function unanswered(responses: readonly TopicAnswer[]): undefined {
  const failed = responses.flatMap((one) => one.partitionResponses).find(({ errorCode }) => errorCode !== 0)
  if (failed) throw new FrameError(`a produce request without an answer failed: ${failed.errorMessage}`)
  return undefined
}
