/** The brokers' leases: what each says of itself, who is the controller, and which of them still live as far as this process saw. */
import { leasesPk } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import type { Value } from '../store/items.ts'
import { type Lease, leaseOf, type Watch, watchLease } from './lease.ts'

/** A broker as clients are told of it. */
export type Endpoint = {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack?: string
}

export const controllerResource = 'controller'
const brokerPrefix = 'broker/'
export const brokerResource = (nodeId: number): string => `${brokerPrefix}${nodeId}`

/** Every node id that was ever used has a row: more than anybody uses where ids are the least free, and not where they are made up. */
const rowsAPage = 1_000

export type RegisteredBroker = {
  readonly endpoint: Endpoint
  readonly lease: Lease
  /** For how long it still counts as alive if it stays silent; 0: it is dead, or has left. */
  readonly overInMs: number
}

export type Registry = {
  readonly brokers: readonly RegisteredBroker[]
  readonly controller: { readonly lease: Lease; readonly overInMs: number } | undefined
}

/** All of it, in one query a thousand. @throws StoreError */
export async function readRegistry(core: Core, watch: Watch): Promise<Registry> {
  const brokers: RegisteredBroker[] = []
  let controller: Registry['controller']
  for (let from: string | undefined = brokerPrefix; from !== undefined; ) {
    const askedMs = core.clock.uptime()
    const rows = await core.items.query({ pk: leasesPk, from, to: controllerResource, limit: rowsAPage })
    const answeredMs = core.clock.uptime()
    for (const { sk, item } of rows) {
      const lease = leaseOf(sk, item)
      const overInMs = watchLease(watch, sk, lease, askedMs, answeredMs)
      if (sk === controllerResource) controller = { lease, overInMs }
      else if (sk.startsWith(brokerPrefix)) {
        brokers.push({ endpoint: endpointOf(Number(sk.slice(brokerPrefix.length)), lease.data), lease, overInMs })
      }
    }
    from = rows.length < rowsAPage ? undefined : `${rows.at(-1)?.sk}\0`
  }
  return { brokers: brokers.sort((a, b) => a.endpoint.nodeId - b.endpoint.nodeId), controller }
}

/** What a broker says of itself in its lease. */
export const dataOf = ({ host, port, rack }: Omit<Endpoint, 'nodeId'>): Value => ({
  host,
  port,
  ...(rack === undefined ? {} : { rack }),
})

function endpointOf(nodeId: number, data: Value): Endpoint {
  // The cast: what `dataOf` wrote.
  const { host, port, rack } = data as { readonly host: string; readonly port: number; readonly rack?: string }
  return { nodeId, host, port, ...(rack === undefined ? {} : { rack }) }
}

/** Who says in the controller's lease that it is the controller. */
export function nodeOf(data: Value | undefined): number | undefined {
  return typeof data === 'object' && data !== null && 'node' in data ? Number(data.node) : undefined
}
