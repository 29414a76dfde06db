import { type Beats, startBeats } from '../../src/cluster/beats.ts'
import { leadership } from '../../src/cluster/leadership.ts'
import { type Member, newMember } from '../../src/cluster/member.ts'
import { membersOf } from '../../src/cluster/view.ts'
import type { Core } from '../../src/runtime/core.ts'
import { badNetwork, newWorld } from './kit.ts'

export const leaseMs = 5_000
/** By then everybody has beaten once more. */
export const beatMs = leaseMs / 4 + 10
/** A broker that died is replaced within the lease, a beat to see its last one, a beat to look again, and what trips take. */
export const replacedMs = leaseMs + (2 * leaseMs) / 4 + 100

export type Broker = {
  readonly core: Core
  readonly member: Member
  readonly network: ReturnType<typeof badNetwork>
  die(): void
}

/** Brokers that beat by themselves, in time that a test lets pass. */
export function newCluster() {
  const world = newWorld()
  const broker = (nodeId?: number): Broker => {
    const network = badNetwork(world.stores.items)
    const core = world.process(network.items)
    const options = { host: `host-${nodeId ?? 'any'}`, port: 9092, leaseMs }
    const member = newMember(core, nodeId === undefined ? options : { ...options, nodeId })
    return { core, member, network, die: () => {} }
  }
  const joinedBroker = async (nodeId?: number): Promise<Broker & { readonly beats: Beats }> => {
    const one = broker(nodeId)
    await world.during(one.member.join())
    const beats = startBeats(one.core, one.member, leaseMs, () => {})
    // A process that is killed does nothing any more: its calls reach no store.
    return { ...one, beats, die: () => void beats.stop() }
  }
  return { ...world, broker, joinedBroker }
}

export const membersSeenBy = ({ member }: Broker) => membersOf(member.view())
export const ledBy = ({ member }: Broker) =>
  Array.from({ length: 60 }, (_, at) => leadership(member.view(), 'some-topic', at).leader)
