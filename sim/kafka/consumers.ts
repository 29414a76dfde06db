/** Fetching as Kafka's consumers do: from the leader, in the epoch that they know. */
import { note, pause } from '../client.ts'
import { recordsFrom } from '../readers.ts'
import { isError, type KafkaClient, noteLed } from './client.ts'

const versions = [12, 17] as const
const namedById = 13

export async function readAsKafka(kafka: KafkaClient, thinkMs: number): Promise<void> {
  const { world, chance } = kafka.client
  const positions = new Array<number>(world.partitions).fill(0)
  while (world.time.now() < world.untilMs) {
    const partition = chance.below(world.partitions)
    const next = await fetchOnce(kafka, partition, positions[partition] ?? 0)
    if (next !== undefined) positions[partition] = next
    await pause(world.time, chance.between(0, thinkMs))
  }
}

/** One fetch; the offset to go on from, or `undefined` where it failed in a way that passes. */
export async function fetchOnce(kafka: KafkaClient, partition: number, from: number): Promise<number | undefined> {
  const { client } = kafka
  const { world, chance } = client
  const where = { topicId: world.topicId, partition }
  const leader = kafka.leaderOf(partition)
  if (!leader) {
    await kafka.refresh()
    return undefined
  }
  const version = chance.pick(versions)
  const named = version >= namedById ? { topicId: world.topicId } : { topic: world.topic }
  const asked = { partition, fetchOffset: from, currentLeaderEpoch: leader.epoch }
  const partitionMaxBytes = chance.pick([1, 2_000, 1_000_000])
  const request = {
    maxWaitMs: chance.pick([0, 50, 500]),
    minBytes: 1,
    topics: [{ ...named, partitions: [{ ...asked, partitionMaxBytes }] }],
  }
  const answer = await kafka.ask(leader.host, 'fetch', request, { version, where })
  if (typeof answer === 'string') {
    await kafka.refresh()
    return undefined
  }
  const one = answer.value.responses[0]?.partitions[0]
  if (!one) throw new Error('a fetch was not answered for its partition')
  const { leaderId, leaderEpoch } = one.currentLeader
  kafka.told(leader.host, answer.sentMs, partition, leaderId, leaderEpoch)
  if (one.errorCode !== 0) {
    if (isError(one.errorCode, 'NOT_LEADER_OR_FOLLOWER', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH')) {
      await kafka.refresh()
    } else if (!isError(one.errorCode, 'KAFKA_STORAGE_ERROR', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_ID')) {
      note(client, { kind: 'read-failed', from, error: String(one.errorCode), ...where })
    }
    return undefined
  }
  noteLed(kafka, leader.host, answer, partition)
  const bytes = one.records ?? new Uint8Array()
  const records = bytes.length === 0 ? [] : await recordsFrom(batchesIn(bytes), from)
  const { highWatermark, logStartOffset: logStart } = one
  note(client, { kind: 'read', from, records, highWatermark, logStart, ...where })
  return (records.at(-1)?.offset ?? from - 1) + 1
}

/** Batches side by side: each says its length (KIP-98). */
function batchesIn(bytes: Uint8Array): Uint8Array[] {
  const batches: Uint8Array[] = []
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + 12 <= bytes.length; ) {
    const end = at + 12 + view.getInt32(at + 8)
    if (end > bytes.length) break
    batches.push(bytes.subarray(at, end))
    at = end
  }
  return batches
}
