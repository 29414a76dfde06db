/** POST /topics/T and /topics/T/partitions/P: records of a whole request are checked before any is appended. */
import { type AppendOutcome, append, type NewBatches } from '../../log/append.ts'
import { appendOnce } from '../../log/append-once.ts'
import { partitioner } from '../../log/partitioner.ts'
import { type Topic, topicToProduceTo } from '../../log/topics.ts'
import type { Core } from '../../runtime/core.ts'
import { isStoreDown, recordError } from '../errors.ts'
import { type Idempotency, idempotencyOf } from '../idempotency.ts'
import { json } from '../replies.ts'
import { type HttpReply, type HttpRequest, param, type RouteHandlers } from '../request.ts'
import { pathPartition, requireTopicName, withPartitions } from '../topics.ts'
import { encodeBatches } from './batches.ts'
import { chance } from './chance.ts'
import { type ProducedRecord, readProduceRequest } from './produce-request.ts'

export const produceRoutes = {
  'POST /topics/{topic}': async (core, request) => {
    const records = readProduceRequest(request, 'topic')
    const idempotency = idempotencyOf(core, request)
    const explicit = records.flatMap(({ partition }) => (partition === undefined ? [] : [partition]))
    const topic = await topicFor(core, request, explicit)
    const place = (partitions: number) => {
      const choose = partitioner(chance(core, idempotency), partitions)
      return records.map((record) => ({ record, partition: choose(record.key, record.partition) }))
    }
    return produce(core, request, topic, place, idempotency)
  },
  'POST /topics/{topic}/partitions/{partition}': async (core, request) => {
    const records = readProduceRequest(request, 'partition')
    const idempotency = idempotencyOf(core, request)
    const partition = pathPartition(request)
    const topic = await topicFor(core, request, [partition])
    const placed = records.map((record) => ({ record, partition }))
    return produce(core, request, topic, () => placed, idempotency)
  },
} satisfies RouteHandlers

type Placed = { readonly record: ProducedRecord; readonly partition: number }

async function topicFor(core: Core, request: HttpRequest, partitions: readonly number[]): Promise<Topic> {
  return withPartitions(core, await topicToProduceTo(core, requireTopicName(param(request, 'topic'))), partitions)
}

async function produce(
  core: Core,
  request: HttpRequest,
  topic: Topic,
  place: (partitions: number) => readonly Placed[],
  idempotency: Idempotency | undefined,
): Promise<HttpReply> {
  const nowMs = core.clock.now()
  let placed: readonly Placed[] = []
  const batches = (partitions: number) => {
    placed = place(partitions)
    return batchesOf(topic, placed, nowMs)
  }
  const outcomes = idempotency
    ? await appendOnce(core, topic, idempotency, batches)
    : await append(core, topic, batches(topic.partitions))
  return answer(request, placed, outcomes)
}

function batchesOf(topic: Topic, placed: readonly Placed[], nowMs: number): NewBatches[] {
  const byPartition = new Map<number, ProducedRecord[]>()
  for (const { record, partition } of placed) {
    const together = byPartition.get(partition)
    if (together) together.push(record)
    else byPartition.set(partition, [record])
  }
  return Array.from(byPartition, ([partition, records]) => {
    const stamped = records.map((record) => ({ ...record, timestampMs: record.timestampMs ?? nowMs }))
    return { partition, records: encodeBatches(topic, stamped) }
  })
}

function answer(request: HttpRequest, placed: readonly Placed[], outcomes: readonly AppendOutcome[]): HttpReply {
  const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
  const [storeDown] = errors
  if (storeDown && errors.length === outcomes.length && errors.every(isStoreDown)) throw storeDown
  const byPartition = new Map(outcomes.map((outcome) => [outcome.partition, outcome]))
  const taken = new Map<number, number>()
  const offsets = placed.map(({ partition }) => {
    const outcome = byPartition.get(partition)
    if (!outcome) throw new Error(`the log gave no answer for partition ${partition}`)
    if ('error' in outcome) return { partition: null, offset: null, ...recordError(outcome.error) }
    const nth = taken.get(partition) ?? 0
    taken.set(partition, nth + 1)
    return { partition, offset: outcome.baseOffset + nth, error_code: null, error: null }
  })
  const failed = offsets.find(({ error_code }) => error_code !== null)?.error_code
  return {
    ...json(request, { offsets, key_schema_id: null, value_schema_id: null }),
    ...(failed ? { partialErrorCode: failed } : {}),
  }
}
