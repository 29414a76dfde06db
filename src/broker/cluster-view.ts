import { leadership, leaderships } from '../cluster/leadership.ts'
import type { Member } from '../cluster/member.ts'
import type { Endpoint } from '../cluster/registry.ts'
import type { View } from '../cluster/view.ts'

/** A broker as clients are told of it. */
export type BrokerEndpoint = Endpoint

/** Who leads what, as this broker sees it now. Never the truth: conditions in the stores are. */
export type ClusterView = {
  /** This broker. */
  readonly nodeId: number
  /** The live brokers, this one among them while it is sure of itself. */
  brokers(): readonly BrokerEndpoint[]
  /** `nobody` where no broker is known to lead: this one, where its own lease is in doubt. */
  leaderOf(topicId: string, partition: number): number
  /** Kafka's leader epoch, which grows with each change of leader. */
  leaderEpochOf(topicId: string, partition: number): number
  /** `nobody` as for `leaderOf`. */
  coordinatorOf(group: string): number
  controller(): number
  /**
   * Of one broker among several: appends carry its leader epoch, and a head that has met a greater one refuses them. Doors that stand
   * alone neither check nor raise it.
   */
  readonly fences?: true
  /** Its epochs may be behind what other doors told: a client that knows another one is right. */
  readonly mayLag?: true
  /** False while this broker's own lease is in doubt. */
  isSure?(): boolean
  /** Called where a request shows that this view is old. */
  outdated?(): void
}

/** No broker has this id: what Kafka says for a partition without a leader. */
export const nobody = -1

/** A broker alone over its stores. Its epoch is that of a head nobody ever took over. */
export function oneNode(host: string, port: number, nodeId = 1): ClusterView {
  const brokers: readonly BrokerEndpoint[] = [{ nodeId, host, port }]
  return {
    nodeId,
    brokers: () => brokers,
    leaderOf: () => nodeId,
    leaderEpochOf: () => 0,
    coordinatorOf: () => nodeId,
    controller: () => nodeId,
  }
}

/**
 * A door that stands alone, over stores that brokers may share: it leads everything, in epochs that no broker has told greater ones
 * of (Java clients ignore what comes from an older epoch). `view` is what it last saw of the cluster.
 */
export function oneNodeBeside(view: View, host: string, port: number): ClusterView {
  const leaderEpochOf = (topicId: string, partition: number) => leadership(view, topicId, partition).epoch
  return { ...oneNode(host, port), mayLag: true, leaderEpochOf }
}

/** One of several brokers. Whether it may speak for itself is asked at every request, by its uptime. */
export function memberView(member: Member, outdated?: () => void): ClusterView {
  const leaders = leaderships()
  const sure = (node: number | undefined) =>
    node === undefined || (node === member.nodeId && !member.isServing()) ? nobody : node
  return {
    fences: true,
    isSure: member.isServing,
    ...(outdated ? { outdated } : {}),
    get nodeId() {
      return member.nodeId
    },
    brokers: member.brokers,
    leaderOf: (topicId, partition) => sure(leaders.of(member.view(), topicId, partition).leader),
    leaderEpochOf: (topicId, partition) => leaders.of(member.view(), topicId, partition).epoch,
    coordinatorOf: (group) => sure(leaders.coordinatorOf(member.view(), group)),
    // Any broker does what a controller is asked for; clients only want one that lives.
    controller() {
      const controller = member.controller()
      const isLive = member.brokers().some(({ nodeId }) => nodeId === controller)
      return controller !== undefined && isLive ? controller : member.nodeId
    },
  }
}
