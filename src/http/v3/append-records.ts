/** Appends the records of one v3 call in their order, each answered for itself. */
import { type AppendOutcome, append, check, type NewBatches } from '../../log/append.ts'
import { appendOnce } from '../../log/append-once.ts'
import { partitioner } from '../../log/partitioner.ts'
import type { Topic } from '../../log/topics.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { NewRecord } from '../../protocol/records/batch.ts'
import type { Core } from '../../runtime/core.ts'
import { HttpError } from '../errors.ts'
import type { Idempotency } from '../idempotency.ts'
import { encodeBatches } from '../v2/batches.ts'
import { chance } from '../v2/chance.ts'
import type { SentRecord } from './record-request.ts'

export type RecordOutcome =
  | { readonly partition: number; readonly offset: number; readonly timestampMs: number }
  | { readonly error: HttpError | KafkaError }

type Placed = { readonly at: number; readonly partition: number; readonly record: NewRecord }

/**
 * Outcomes in the order of the records. One that the log refuses does not keep back the others; but under an Idempotency-Key all
 * that are well formed are appended, or none, so that a repetition finds the same records in the same places.
 */
export async function appendRecords(
  core: Core,
  topic: Topic,
  records: readonly SentRecord[],
  idempotency: Idempotency | undefined,
): Promise<readonly RecordOutcome[]> {
  const outcomes = new Map<number, RecordOutcome>()
  const nowMs = core.clock.now()
  let placed: readonly Placed[] = []
  const place = (partitions: number): NewBatches[] => {
    const choose = partitioner(chance(core, idempotency), partitions)
    placed = records.flatMap((record, at) => {
      const partition = choose(record.key?.bytes ?? null, record.partition)
      if (partition < partitions) return [{ at, partition, record: newRecord(record, nowMs) }]
      outcomes.set(at, { error: new HttpError('partitionNotFound', noPartition(topic, partition, partitions)) })
      return []
    })
    return batchesOf(topic, placed)
  }
  const appended = idempotency
    ? await onceOrError(core, topic, idempotency, place, () => placed)
    : await appendGood(core, topic, place(topic.partitions), placed, outcomes)
  const byPartition = new Map(appended.map((outcome) => [outcome.partition, outcome]))
  const taken = new Map<number, number>()
  for (const { at, partition, record } of placed) {
    const outcome = outcomes.has(at) ? undefined : byPartition.get(partition)
    if (!outcome) continue
    if ('error' in outcome) outcomes.set(at, { error: outcome.error })
    else {
      const nth = taken.get(partition) ?? 0
      taken.set(partition, nth + 1)
      const timestampMs = outcome.logAppendTimeMs < 0 ? record.timestampMs : outcome.logAppendTimeMs
      outcomes.set(at, { partition, offset: outcome.baseOffset + nth, timestampMs })
    }
  }
  return records.map((_, at) => outcomes.get(at) ?? { error: new KafkaError('UNKNOWN_SERVER_ERROR', 'no answer') })
}

const noPartition = (topic: Topic, partition: number, partitions: number): string =>
  `Topic '${topic.name}' has no partition ${partition}: it has 0 to ${partitions - 1}.`

const newRecord = ({ key, value, headers, timestampMs }: SentRecord, nowMs: number): NewRecord => ({
  timestampMs: timestampMs ?? nowMs,
  key: key?.bytes ?? null,
  value: value?.bytes ?? null,
  headers,
})

function batchesOf(topic: Topic, placed: readonly Placed[]): NewBatches[] {
  const byPartition = new Map<number, NewRecord[]>()
  for (const { partition, record } of placed) {
    const together = byPartition.get(partition)
    if (together) together.push(record)
    else byPartition.set(partition, [record])
  }
  return Array.from(byPartition, ([partition, records]) => ({ partition, records: encodeBatches(topic, records) }))
}

async function onceOrError(
  core: Core,
  topic: Topic,
  idempotency: Idempotency,
  place: (partitions: number) => NewBatches[],
  placed: () => readonly Placed[],
): Promise<readonly AppendOutcome[]> {
  try {
    return await appendOnce(core, topic, idempotency, place)
  } catch (error) {
    // The key used for another request fails the call as a whole; what the log refuses is told record by record.
    if (!(error instanceof KafkaError) || error.error === 'INVALID_REQUEST') throw error
    return [...new Set(placed().map(({ partition }) => partition))].map((partition) => ({ partition, error }))
  }
}

/** Leaves out, and answers, what the log refuses; a record by itself is tried only where its partition's batches are refused. */
async function appendGood(
  core: Core,
  topic: Topic,
  batches: readonly NewBatches[],
  placed: readonly Placed[],
  outcomes: Map<number, RecordOutcome>,
): Promise<readonly AppendOutcome[]> {
  const good: NewBatches[] = []
  for (const batch of batches) {
    const refusal = await refused(core, topic, batch)
    if (!refusal) {
      good.push(batch)
      continue
    }
    const kept: Placed[] = []
    for (const one of placed.filter(({ partition }) => partition === batch.partition)) {
      const records = encodeBatches(topic, [one.record])
      const error = await refused(core, topic, { partition: batch.partition, records })
      if (error) outcomes.set(one.at, { error })
      else kept.push(one)
    }
    good.push(...batchesOf(topic, kept))
  }
  return good.length === 0 ? [] : append(core, topic, good)
}

async function refused(core: Core, topic: Topic, batch: NewBatches): Promise<KafkaError | undefined> {
  try {
    await check(core, topic, batch)
    return undefined
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
}
