/** After everything healed: waits until all brokers are well, and asks each of them about everything. */
import type { BrokerLook } from '../broker-events.ts'
import { type Client, note, pause } from '../client.ts'
import type { Brokers, Life } from './brokers.ts'
import { isError, type KafkaClient, kafkaClient } from './client.ts'

const group = 'team'
const wellWithinMs = 10 * 60_000
/** What the stores' slowest answers may add. */
const marginMs = 3_000

/** A broker that dies is replaced within one and a half leases, those that join are seen within a beat. */
const replacedMs = ({ leaseMs }: Brokers): number => 1.5 * leaseMs + marginMs

export async function lookAtAll(client: Client, brokers: Brokers): Promise<void> {
  const { time, partitions, topicId } = client.world
  const untilMs = time.now() + wellWithinMs
  while (!brokers.areWell()) {
    if (time.now() > untilMs) throw new Error('a broker does not come up though the stores answer')
    await pause(time, 500)
  }
  await pause(time, replacedMs(brokers))
  const kafka = kafkaClient(client, brokers)
  const looks = []
  for (const life of brokers.living()) looks.push(await lookAt(kafka, life))
  note(client, { kind: 'brokers-final', topicId, group, partitions, brokers: looks })
}

/** One dies for good: the others take its share. It comes back: it takes its own. */
export async function loseOne(client: Client, brokers: Brokers): Promise<void> {
  const { time, partitions, topicId } = client.world
  if (brokers.living().length < 2) return
  brokers.killOne()
  await pause(time, replacedMs(brokers))
  const kafka = kafkaClient(client, brokers)
  const looks = []
  for (const life of brokers.living()) looks.push(await lookAt(kafka, life))
  note(client, { kind: 'brokers-final', topicId, group, partitions, brokers: looks })
  brokers.startAll()
  await lookAtAll(client, brokers)
}

async function lookAt({ client, ask }: KafkaClient, { host, node }: Life): Promise<BrokerLook> {
  const { topic, partitions } = client.world
  const metadata = await answered(() => ask(host, 'metadata', { topics: [{ name: topic }] }))
  const told = (metadata.topics[0]?.partitions ?? []).map(({ partitionIndex, leaderId, leaderEpoch }) => ({
    partition: partitionIndex,
    leader: leaderId,
    epoch: leaderEpoch,
  }))
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  const request = {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic, partitions: all.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1 })) }],
  }
  const fetched = await answered(() => ask(host, 'fetch', request, { version: 12 }))
  const leads = (fetched.responses[0]?.partitions ?? [])
    .filter(({ errorCode }) => !isError(errorCode, 'NOT_LEADER_OR_FOLLOWER'))
    .map(({ partitionIndex }) => partitionIndex)
  const found = await answered(() => ask(host, 'findCoordinator', { keyType: 0, coordinatorKeys: [group] }))
  const beat = { groupId: group, generationId: 1, memberId: 'nobody' }
  const { errorCode } = await answered(() => ask(host, 'heartbeat', beat))
  const coordinator = found.coordinators[0]?.nodeId ?? -1
  const coordinates = !isError(errorCode, 'NOT_COORDINATOR')
  return { host, node: node.member.nodeId, told, leads, coordinator, coordinates }
}

async function answered<T>(asking: () => Promise<{ readonly value: T } | 'closed' | 'silence'>): Promise<T> {
  const answer = await asking()
  if (typeof answer === 'string') throw new Error('a broker does not answer though nothing is wrong')
  return answer.value
}
