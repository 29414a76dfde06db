/**
 * Key 1, Fetch v4–18: by name, from v13 by id; leader epochs (KIP-320) checked. No fetch sessions are kept: a full request is
 * answered with session id 0 (KIP-227), one that goes on with a session is told that it is gone. The last stable offset is the
 * end of the log, for there are no transactions yet. One answer holds at most 16 MiB, whatever a client would take; a single
 * larger batch comes alone.
 */
import { type Fetched, fetch as fetchFromLog } from '../../log/fetch.ts'
import type { Topic } from '../../log/topics.ts'
import type { RequestOf, ResponseOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'
import { currentLeader, endpoints, leaderError } from '../leaders.ts'
import { isById, topicFor, unknownTopicId } from '../topic-names.ts'

type AskedTopic = RequestOf<'fetch'>['topics'][number]
type AskedPartition = AskedTopic['partitions'][number]
type PartitionAnswer = ResponseOf<'fetch'>['responses'][number]['partitions'][number]

export const answerBytesMax = 16 * 1024 * 1024
const readCommitted = 1
const nothing = new Uint8Array(0)

export const fetch: ApiHandler<'fetch'> = {
  async handle(broker, caller, request) {
    if (request.sessionEpoch > 0) {
      throw new KafkaError('FETCH_SESSION_ID_NOT_FOUND', `there is no fetch session ${request.sessionId}`)
    }
    const asked = (await Promise.all(request.topics.map((topic) => takeTopic(broker, caller, topic)))).flat()
    const fetched = await read(broker, caller, request, asked)
    let at = 0
    const answers = asked.map((one): PartitionAnswer => {
      if ('error' in one) return failedPartition(broker, one)
      return answerPartition(one, fetched[at++], request.isolationLevel)
    })
    at = 0
    const responses = request.topics.map(({ topic, topicId, partitions }) => {
      const from = at
      at += partitions.length
      return { topic, topicId, partitions: answers.slice(from, at) }
    })
    const moved = answers.some((one) => one.currentLeader)
    return { errorCode: 0, sessionId: 0, responses, ...(moved ? { nodeEndpoints: endpoints(broker.view) } : {}) }
  },
  failed(request, error) {
    const whole = error.error === 'FETCH_SESSION_ID_NOT_FOUND'
    const failed = request.topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map(({ partition }) => withError(partition, error)),
    }))
    return { errorCode: whole ? error.code : 0, sessionId: 0, responses: whole ? [] : failed }
  },
}

type Wanted = { readonly partition: AskedPartition; readonly topic: Topic; readonly byId: boolean }
type Failed = { readonly partition: AskedPartition; readonly topic?: Topic; readonly error: KafkaError }

async function takeTopic(broker: Broker, caller: Caller, asked: AskedTopic): Promise<(Wanted | Failed)[]> {
  try {
    const topic = await topicToRead(broker, caller, asked)
    const byId = isById(refOf(asked))
    return asked.partitions.map((partition) => {
      const error = leaderError(broker.view, topic.id, partition.partition, partition.currentLeaderEpoch)
      return error ? { partition, topic, error } : { partition, topic, byId }
    })
  } catch (error) {
    const told = toKafkaError(error, broker.report)
    return asked.partitions.map((partition) => ({ partition, error: told }))
  }
}

const refOf = ({ topic, topicId }: AskedTopic) => ({ name: topic, topicId })

async function topicToRead({ core, topicNames }: Broker, caller: Caller, asked: AskedTopic): Promise<Topic> {
  if (!isById(refOf(asked))) await caller.access?.requireTopic('read', asked.topic)
  const topic = await topicFor(core, topicNames, refOf(asked))
  if (isById(refOf(asked))) await caller.access?.requireTopic('read', topic.name)
  return topic
}

/** Waits only where nothing is wrong: an error is told at once. */
async function read(
  { core, view }: Broker,
  caller: Caller,
  request: RequestOf<'fetch'>,
  asked: readonly (Wanted | Failed)[],
): Promise<readonly Fetched[]> {
  const wanted = asked.flatMap((one) => ('error' in one ? [] : [one]))
  if (wanted.length === 0) return []
  const maxBytes = Math.min(Math.max(0, request.maxBytes), caller.answerBytesMax ?? answerBytesMax)
  const waitMs = wanted.length === asked.length ? Math.min(request.maxWaitMs, caller.waitMsMax) : 0
  return fetchFromLog(core, {
    partitions: wanted.map(({ topic, partition: { partition, fetchOffset, partitionMaxBytes } }) => ({
      topic,
      partition,
      offset: fetchOffset,
      maxBytes: Math.max(0, partitionMaxBytes),
      leaderEpochMax: view.leaderEpochOf(topic.id, partition),
    })),
    maxBytes,
    minBytes: Math.min(request.minBytes, maxBytes),
    maxWaitMs: Math.max(0, waitMs),
    signal: caller.signal,
    ...(caller.room ? { room: caller.room } : {}),
  })
}

function answerPartition({ partition, topic, byId }: Wanted, fetched: Fetched | undefined, isolation: number) {
  const { partition: partitionIndex } = partition
  if (!fetched) throw new Error(`the log gave no answer for partition ${partitionIndex}`)
  // Made anew meanwhile: the same name, but not what was asked for.
  if (byId && fetched.topic.id !== topic.id) return withError(partitionIndex, unknownTopicId(topic.id))
  if ('error' in fetched) {
    const isGone = byId && fetched.error.error === 'UNKNOWN_TOPIC_OR_PARTITION' && partitionIndex < topic.partitions
    return withError(partitionIndex, isGone ? unknownTopicId(topic.id) : fetched.error)
  }
  const { batches, highWatermark, logStartOffset } = fetched
  return {
    partitionIndex,
    errorCode: 0,
    highWatermark,
    lastStableOffset: highWatermark,
    logStartOffset,
    abortedTransactions: isolation === readCommitted ? [] : null,
    records: inPieces(batches),
  }
}

/** What lies side by side in memory, as batches that were produced together do, becomes one part of the answer. */
function inPieces(batches: readonly Uint8Array[]): readonly Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (const batch of batches) {
    const last = pieces.at(-1)
    if (last && last.buffer === batch.buffer && last.byteOffset + last.length === batch.byteOffset) {
      pieces[pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + batch.length)
    } else pieces.push(batch)
  }
  return pieces
}

function failedPartition({ view }: Broker, { partition: { partition }, topic, error }: Failed): PartitionAnswer {
  const answer = withError(partition, error)
  const isStale = error.error === 'NOT_LEADER_OR_FOLLOWER' || error.error === 'FENCED_LEADER_EPOCH'
  return isStale && topic ? { ...answer, currentLeader: currentLeader(view, topic.id, partition) } : answer
}

const withError = (partitionIndex: number, error: KafkaError): PartitionAnswer => ({
  partitionIndex,
  errorCode: error.code,
  highWatermark: -1,
  abortedTransactions: null,
  records: nothing,
})
