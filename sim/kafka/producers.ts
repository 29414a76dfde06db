/**
 * Idempotent producers as Kafka's clients are: one to five requests in flight, in the order of their sequences, to the broker that
 * leads; what was not acknowledged is sent again as it was, in order, to whoever leads then.
 */
import type { ErrorName } from '../../src/protocol/errors.ts'
import { note, pause } from '../client.ts'
import { type Numbered, packed } from '../producers-idempotent.ts'
import { isError, type KafkaClient, noteLed } from './client.ts'

type Producer = {
  readonly kafka: KafkaClient
  readonly id: number
  readonly version: number
  readonly inFlightMax: number
  readonly thinkMs: number
  batches: number
  attempts: number
}

const versions = [9, 12, 13] as const
const namedById = 13

export async function produceAsKafka(kafka: KafkaClient, thinkMs: number): Promise<void> {
  const { world, chance } = kafka.client
  const id = await untilNumbered(kafka)
  if (id === undefined) return
  const inFlightMax = chance.pick([1, 5, 5])
  const producer = { kafka, id, version: chance.pick(versions), inFlightMax, thinkMs, batches: 0, attempts: 0 }
  await Promise.all(Array.from({ length: world.partitions }, (_, partition) => keepSending(producer, partition)))
}

/** Asks anybody for a producer id. */
async function untilNumbered({ client, brokers, ask }: KafkaClient): Promise<number | undefined> {
  const { world, chance } = client
  while (world.time.now() < world.untilMs) {
    const host = brokers.anyHost()
    const answer =
      host === undefined
        ? 'closed'
        : await ask(host, 'initProducerId', { transactionalId: null, transactionTimeoutMs: 1 })
    if (typeof answer !== 'string' && answer.value.errorCode === 0) return answer.value.producerId
    await pause(world.time, chance.between(10, 500))
  }
  return undefined
}

async function keepSending(producer: Producer, partition: number): Promise<void> {
  const { client } = producer.kafka
  const { world, chance } = client
  let sequence = 0
  let inFlight: readonly Numbered[] = []
  const isOver = () => world.time.now() >= world.untilMs
  while (!isOver()) {
    const room = chance.below(producer.inFlightMax - inFlight.length + 1)
    const added: Numbered[] = []
    for (let at = 0; at < Math.max(room, inFlight.length > 0 ? 0 : 1); at++) {
      const batch = newBatch(producer, partition, sequence)
      sequence += batch.values.length
      added.push(batch)
    }
    const before = inFlight.length
    inFlight = await sendAll(producer, partition, [...inFlight, ...added])
    const isStuck = inFlight.length > 0 && inFlight.length >= before
    await pause(world.time, chance.between(0, isStuck ? 500 : producer.thinkMs))
  }
}

/** What has to be sent again, in order. */
async function sendAll(
  producer: Producer,
  partition: number,
  batches: readonly Numbered[],
): Promise<readonly Numbered[]> {
  const { kafka } = producer
  const leader = kafka.leaderOf(partition)
  if (!leader) {
    await kafka.refresh()
    return batches
  }
  const answers = await Promise.all(batches.map((batch) => send(producer, leader.host, batch)))
  const left = batches.filter((_, at) => answers[at] !== 'done')
  const [first] = batches
  // The first of those in flight comes next, whatever became of the others.
  if (first && answers[0] === 'OUT_OF_ORDER_SEQUENCE_NUMBER') {
    const { client } = kafka
    const where = { topicId: client.world.topicId, partition }
    note(client, { kind: 'next-refused', producer: client.name, sequence: first.sequence, ...where })
  }
  if (answers.some((answer) => answer === 'look again')) await kafka.refresh()
  return left
}

type Answer = 'done' | 'look again' | 'again' | 'OUT_OF_ORDER_SEQUENCE_NUMBER'

/** To look for the leader again, and to send again; to send again; nothing else may be answered to a producer that does nothing odd. */
const elsewhere: readonly ErrorName[] = ['NOT_LEADER_OR_FOLLOWER', 'FENCED_LEADER_EPOCH', 'LEADER_NOT_AVAILABLE']
const trouble: readonly ErrorName[] = ['KAFKA_STORAGE_ERROR', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID']

async function send(producer: Producer, host: string, batch: Numbered): Promise<Answer> {
  const { kafka, id, version } = producer
  const { client } = kafka
  const { name: clientName, world } = client
  const { topic, topicId } = world
  const { partition, values, timestampMs, sequence } = batch
  const attempt = `${clientName}.${producer.attempts++}`
  const where = { topicId, partition }
  note(client, { kind: 'append-sent', attempt, values, timestampMs, producer: clientName, sequence, ...where })
  const named = version >= namedById ? { topicId } : { name: topic }
  const partitionData = [{ index: partition, records: packed(id, batch) }]
  const request = { acks: -1, timeoutMs: 10_000, topicData: [{ ...named, partitionData }] }
  const answer = await kafka.ask(host, 'produce', request, { version, where, patienceMs: 15_000 })
  if (typeof answer === 'string') {
    note(client, { kind: 'append-unknown', attempt })
    return 'look again'
  }
  const [one] = answer.value.responses[0]?.partitionResponses ?? []
  if (!one) throw new Error('a produce request was not answered for its partition')
  if (one.errorCode === 0) {
    noteLed(kafka, host, answer, partition, attempt)
    note(client, { kind: 'append-acked', attempt, baseOffset: one.baseOffset })
    return 'done'
  }
  const { leaderId, leaderEpoch } = one.currentLeader
  kafka.told(host, answer.sentMs, partition, leaderId, leaderEpoch)
  if (isError(one.errorCode, 'REQUEST_TIMED_OUT', 'DUPLICATE_SEQUENCE_NUMBER')) {
    note(client, { kind: 'append-unknown', attempt })
    return isError(one.errorCode, 'REQUEST_TIMED_OUT') ? 'again' : 'done'
  }
  note(client, { kind: 'append-failed', attempt, error: one.errorMessage ?? String(one.errorCode) })
  if (isError(one.errorCode, 'OUT_OF_ORDER_SEQUENCE_NUMBER')) return 'OUT_OF_ORDER_SEQUENCE_NUMBER'
  if (isError(one.errorCode, ...elsewhere)) return 'look again'
  if (isError(one.errorCode, ...trouble)) return 'again'
  throw new Error(`a producer was answered ${one.errorCode}: ${one.errorMessage}`)
}

function newBatch(producer: Producer, partition: number, sequence: number): Numbered {
  const { world, chance, name } = producer.kafka.client
  const batch = producer.batches++
  const values = Array.from({ length: 1 + chance.below(world.recordsMax) }, (_, at) => `${name}:${batch}.${at}`)
  const padding = 'x'.repeat(chance.pick(world.paddings))
  return { partition, epoch: 0, sequence, values, timestampMs: world.time.now(), padding }
}
