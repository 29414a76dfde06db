/**
 * Idempotent producers: each numbers its records, sends a batch until it knows that it is in the log, and goes on. Between that
 * it does what clients should not have to fear: it sends old batches again, leaves gaps, and writes as what it was an epoch ago.
 */
import type { AppendOutcome } from '../src/log/append.ts'
import { knownTopic } from '../src/log/topics.ts'
import type { ErrorName } from '../src/protocol/errors.ts'
import { encodeBatch } from '../src/protocol/records/batch.ts'
import { crc32c } from '../src/protocol/records/crc32c.ts'
import { layout } from '../src/protocol/records/header.ts'
import { ask, type Client, note, pause } from './client.ts'

export type Numbered = {
  readonly partition: number
  readonly epoch: number
  readonly sequence: number
  readonly values: readonly string[]
  readonly timestampMs: number
  readonly padding: string
}
type Producer = {
  readonly client: Client
  readonly pauses: Pauses
  readonly id: number
  epoch: number
  /** What comes next in each partition. */
  readonly next: number[]
  /** What is in the log, newest last. */
  readonly done: Numbered[]
  batches: number
  attempts: number
}

/** How long it rests at most between two batches. */
export type Pauses = readonly [number, ...number[]]
/** Some longer than an idle producer stays in the head. */
const pausesMs: Pauses = [2_000, 20_000, 60_000, 3 * 60_000, 15 * 60_000]
const batchesSentAgain = 6

export async function produceInSequence(client: Client, pauses: Pauses = pausesMs): Promise<void> {
  const { world, chance, name } = client
  const id = Number(name.split('-').at(-1))
  const next = Array.from({ length: world.partitions }, () => 0)
  const producer: Producer = { client, pauses, id, epoch: 0, next, done: [], batches: 0, attempts: 0 }
  while (world.time.now() < world.untilMs) {
    const partition = chance.below(world.partitions)
    if (!(await untilDone(producer, newBatch(producer, partition)))) return
    if (chance.happens(0.3)) await sendAgain(producer)
    if (chance.happens(0.1)) await leaveGap(producer, partition)
    if (chance.happens(0.05)) await beginEpoch(producer, partition)
    await pause(world.time, chance.between(0, chance.pick(pauses)))
  }
}

/** Until it is in the log; false where the producer runs out of time, and knows nothing of its batch. */
async function untilDone(producer: Producer, batch: Numbered): Promise<boolean> {
  const { client, pauses, next, done } = producer
  const { world, chance } = client
  const end = batch.sequence + batch.values.length
  while (world.time.now() < world.untilMs) {
    // To one server, or to two at once.
    const answers = await Promise.all(
      chance.happens(0.2) ? [send(producer, batch), send(producer, batch)] : [send(producer, batch)],
    )
    for (const answer of answers) require(answer, 'done', 'DUPLICATE_SEQUENCE_NUMBER')
    if (answers.some((answer) => answer === 'done' || answer === 'DUPLICATE_SEQUENCE_NUMBER')) {
      next[batch.partition] = end
      done.push(batch)
      done.splice(0, done.length - batchesSentAgain)
      return true
    }
    await pause(world.time, chance.between(10, chance.pick(pauses)))
  }
  return false
}

/** An old batch of this epoch, as if its answer had come too late. */
async function sendAgain(producer: Producer): Promise<void> {
  const old = producer.done[producer.client.chance.below(producer.done.length)]
  if (!old) return
  const answer = await send(producer, old)
  const fenced: readonly Answer[] = old.epoch === producer.epoch ? [] : ['INVALID_PRODUCER_EPOCH']
  require(answer, 'done', 'DUPLICATE_SEQUENCE_NUMBER', ...fenced)
}

/** So far ahead that nothing will ever fill it. */
async function leaveGap(producer: Producer, partition: number): Promise<void> {
  const batch = newBatch(producer, partition)
  require(await send(producer, { ...batch, sequence: batch.sequence + 1_000_000 }), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
}

async function beginEpoch(producer: Producer, partition: number): Promise<void> {
  const before = newBatch(producer, partition)
  producer.epoch++
  producer.next.fill(0)
  await leaveGap(producer, partition)
  if (!(await untilDone(producer, newBatch(producer, partition)))) return
  require(await send(producer, before), 'INVALID_PRODUCER_EPOCH')
}

/** Of the store, of a full partition, of a server whose clock is years off. */
const trouble: readonly ErrorName[] = ['KAFKA_STORAGE_ERROR', 'THROTTLING_QUOTA_EXCEEDED', 'INVALID_TIMESTAMP']

type Answer = 'done' | ErrorName | 'unknown' | 'trouble'

/** Silence and the store's trouble may answer everything; the rest has to be what is due. */
function require(answer: Answer, ...due: readonly Answer[]): void {
  if (answer === 'unknown' || answer === 'trouble' || due.includes(answer)) return
  throw new Error(`a producer was answered ${answer}, and due was ${due.join(' or ')}`)
}

async function send(producer: Producer, batch: Numbered): Promise<Answer> {
  const { client } = producer
  const { topic, topicId } = client.world
  const { partition, values, timestampMs } = batch
  const attempt = `${client.name}.${producer.attempts++}`
  note(client, { kind: 'append-sent', attempt, values, timestampMs, topicId, partition })
  const records = packed(producer.id, batch)
  const answer = await ask(client, async (core, append) => {
    const batches = [{ partition, records }]
    const [outcomes = []] = await append([{ topic: await knownTopic(core, topic), batches, byId: false }])
    return outcomes
  })
  if ('value' in answer) return tell(client, attempt, answer.value[0])
  if ('error' in answer) note(client, { kind: 'append-failed', attempt, error: answer.error.message })
  else note(client, { kind: 'append-unknown', attempt })
  return 'error' in answer ? 'trouble' : 'unknown'
}

function tell(client: Client, attempt: string, outcome: AppendOutcome | undefined): Answer {
  if (!outcome) throw new Error('an append was not answered')
  if (!('error' in outcome)) {
    note(client, { kind: 'append-acked', attempt, baseOffset: outcome.baseOffset })
    return 'done'
  }
  const { error } = outcome.error
  const isOpen = error === 'REQUEST_TIMED_OUT' || error === 'DUPLICATE_SEQUENCE_NUMBER'
  if (isOpen) note(client, { kind: 'append-unknown', attempt })
  else note(client, { kind: 'append-failed', attempt, error })
  if (error === 'REQUEST_TIMED_OUT') return 'unknown'
  return trouble.includes(error) ? 'trouble' : error
}

function newBatch(producer: Producer, partition: number): Numbered {
  const { client, epoch, next } = producer
  const { world, chance, name } = client
  const batch = producer.batches++
  const values = Array.from({ length: 1 + chance.below(world.recordsMax) }, (_, at) => `${name}:${batch}.${at}`)
  const padding = 'x'.repeat(chance.pick(world.paddings))
  return { partition, epoch, sequence: next[partition] ?? 0, values, timestampMs: world.time.now(), padding }
}

export function packed(id: number, { epoch, sequence, values, timestampMs, padding }: Numbered): Uint8Array {
  const batch = encodeBatch(
    values.map((value) => ({ timestampMs, key: Buffer.from(padding), value: Buffer.from(value), headers: [] })),
  )
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
  view.setBigInt64(layout.producerId, BigInt(id))
  view.setInt16(layout.producerEpoch, epoch)
  view.setInt32(layout.baseSequence, sequence)
  view.setUint32(layout.crc, crc32c(batch, layout.attributes, batch.length))
  return batch
}
