import { afterEach } from 'vitest'
import { newBroker } from '../../src/broker/broker.ts'
import { type Cluster, newCluster } from '../../src/broker/cluster.ts'
import { flushTogether } from '../../src/broker/flush-together.ts'
import { createTopic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { type KafkaServer, startKafkaServer } from '../../src/server/kafka/listener.ts'
import { type Client, clientAt, type Response } from '../broker/kit.ts'
import { badNetwork, newWorld } from './kit.ts'

export const leaseMs = 5_000
/** By then everybody has beaten once more. */
export const beatMs = leaseMs / 4 + 10
/** A broker that died is replaced within the lease, a beat to see its last one, a beat to look again, and what trips take. */
export const replacedMs = leaseMs + (2 * leaseMs) / 4 + 100

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export type RunningBroker = {
  readonly core: Core
  readonly cluster: Cluster
  readonly kafka: KafkaServer
  readonly network: ReturnType<typeof badNetwork>
  readonly nodeId: number
  /** A connection of a client's. */
  client(): Promise<Client>
}

/** Brokers with ports of their own over one store, as `millrace serve` runs them; time passes where a test lets it. */
export function newBrokers() {
  const world = newWorld()
  const start = async (lease = leaseMs): Promise<RunningBroker> => {
    const network = badNetwork(world.stores.items)
    const core = world.process(network.items, 0)
    let cluster: Cluster | undefined
    const kafka = await startKafkaServer({
      host: '127.0.0.1',
      port: 0,
      clock: core.clock,
      brokerAt({ host, port }) {
        cluster = newCluster(core, { host, port, leaseMs: lease }, () => {})
        return newBroker({ core, view: cluster.view, append: flushTogether(core), appendsInOrder: true })
      },
    })
    if (!cluster) throw new Error('the listener made no broker')
    const joined = cluster
    await world.during(joined.join())
    cleanups.push(() => kafka.stop(0))
    const { nodeId } = joined.member
    return { core, cluster: joined, kafka, network, nodeId, client: () => clientAt(kafka.port) }
  }
  const topic = async (name: string, partitions: number): Promise<string> =>
    (await createTopic(world.process(undefined, 0), { name, partitions })).id
  return { ...world, start, topic }
}

export async function startThree(brokers: ReturnType<typeof newBrokers>): Promise<RunningBroker[]> {
  const three = [await brokers.start(), await brokers.start(), await brokers.start()]
  await brokers.pass(beatMs)
  return three
}

type Partition = Response<'metadata'>['topics'][number]['partitions'][number]

/** The partitions of a topic, as one broker tells of them. */
export async function partitionsOf(client: Client, name: string): Promise<readonly Partition[]> {
  const { topics } = await client.call('metadata', { topics: [{ name }] })
  return topics[0]?.partitions ?? []
}
