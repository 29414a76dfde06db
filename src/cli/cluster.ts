import type { Command } from 'commander'
import { type Cluster, newCluster } from '../broker/cluster.ts'
import { NodeIdTaken } from '../cluster/member.ts'
import type { Core } from '../runtime/core.ts'
import { type Address, wholeNumber } from './options.ts'
import type { StoreOptions } from './stores.ts'
import { Trouble } from './trouble.ts'

export type BrokerOptions = {
  readonly nodeId?: number
  readonly rack?: string
  readonly brokerLeaseMs: number
}

export const withBrokerOptions = (command: Command): Command =>
  command
    .option('--node-id <n>', 'id of this broker (--store aws); else the least one free', wholeNumber(1, 2 ** 31 - 1))
    .option('--rack <name>', 'where this broker is, for clients that ask (--store aws)')
    .option(
      '--broker-lease-ms <n>',
      'a broker silent for so long is replaced (--store aws)',
      wholeNumber(1_000, 60_000),
      5_000,
    )

/** @throws Trouble */
export function checkBrokerOptions({ store, nodeId, rack }: StoreOptions & BrokerOptions): void {
  if (store === 'aws' || (nodeId === undefined && rack === undefined)) return
  throw new Trouble('--node-id and --rack go with --store aws')
}

/** Over stores that others can reach too, a process is one of several brokers; undefined: it is alone. */
export function clusterAt(core: Core, { host, port }: Address, options: StoreOptions & BrokerOptions) {
  const { store, nodeId, rack, brokerLeaseMs: leaseMs } = options
  if (store !== 'aws') return undefined
  const own = { ...(nodeId === undefined ? {} : { nodeId }), ...(rack === undefined ? {} : { rack }) }
  return newCluster(core, { host, port, leaseMs, ...own }, (error) => tell('a beat failed, and is tried again', error))
}

/** @throws Trouble, StoreError */
export async function joinCluster(cluster: Cluster | undefined): Promise<void> {
  try {
    await cluster?.join()
  } catch (error) {
    throw error instanceof NodeIdTaken ? new Trouble(error.message) : error
  }
}

export async function leaveCluster(cluster: Cluster | undefined): Promise<void> {
  await cluster?.leave().catch((error) => tell('left its cluster without saying so', error))
}

export async function releaseNode(cluster: Cluster | undefined): Promise<void> {
  await cluster?.release().catch((error) => tell('its node id is free only when its lease is over', error))
}

function tell(what: string, error: unknown): void {
  process.stderr.write(`millrace: ${what}: ${error instanceof Error ? error.message : String(error)}\n`)
}
