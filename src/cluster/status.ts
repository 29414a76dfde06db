/** What an operator asks of a cluster: who is in it, who leads how much, who is silent. Reads only. */
import { listTopics } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'
import { leadership } from './leadership.ts'
import { newWatch } from './lease.ts'
import { type Endpoint, nodeOf, readRegistry } from './registry.ts'
import { membersOf, readView } from './view.ts'

export type BrokerStatus = Endpoint & {
  /**
   * `member`: it shares the partitions. `joining`: it is on its way in, or died lately. `left`: it stopped or died, and its node id is
   * free.
   */
  readonly state: 'member' | 'joining' | 'left'
  readonly controller: boolean
  /** Partitions that it leads, of all topics. */
  readonly leads: number
  /** Since its last beat, by its own clock and this one's: rough, where they differ. */
  readonly silentMs: number
  readonly leaseMs: number
}

export type ClusterStatus = { readonly epoch: number; readonly brokers: readonly BrokerStatus[] }

/** @throws StoreError */
export async function clusterStatus(core: Core): Promise<ClusterStatus> {
  const [registry, view, topics] = await Promise.all([readRegistry(core, newWatch()), readView(core), listTopics(core)])
  const led = new Map<number | undefined, number>()
  for (const { id, partitions } of topics) {
    for (let partition = 0; partition < partitions; partition++) {
      const { leader } = leadership(view, id, partition)
      led.set(leader, (led.get(leader) ?? 0) + 1)
    }
  }
  const members = new Set(membersOf(view))
  const controller =
    registry.controller?.lease.holder === undefined ? undefined : nodeOf(registry.controller.lease.data)
  const brokers = registry.brokers.map(({ endpoint, lease }): BrokerStatus => {
    const isFree = lease.holder === undefined
    return {
      ...endpoint,
      state: members.has(endpoint.nodeId) ? 'member' : isFree ? 'left' : 'joining',
      controller: endpoint.nodeId === controller,
      leads: led.get(endpoint.nodeId) ?? 0,
      silentMs: Math.max(0, core.clock.now() - lease.writtenMs),
      leaseMs: lease.leaseMs,
    }
  })
  return { epoch: view.epoch, brokers }
}

/** Node ids of the brokers that beat within the time of a lease, which this waits for where anybody holds one. @throws StoreError */
export async function livingBrokers(core: Core): Promise<readonly number[]> {
  const watch = newWatch()
  const { brokers } = await readRegistry(core, watch)
  const leases = brokers.flatMap(({ lease }) => (lease.holder === undefined ? [] : [lease.leaseMs]))
  if (leases.length === 0) return []
  await core.clock.sleep(Math.max(...leases))
  const later = await readRegistry(core, watch)
  return later.brokers.flatMap(({ endpoint, overInMs }) => (overInMs > 0 ? [endpoint.nodeId] : []))
}
