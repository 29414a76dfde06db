/** A broker as clients are told of it. */
export type BrokerEndpoint = {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly rack?: string
}

/** Who leads what, as this broker sees it now. Never the truth: conditions in the stores are. */
export type ClusterView = {
  /** This broker. */
  readonly nodeId: number
  /** The live brokers, this one among them. */
  brokers(): readonly BrokerEndpoint[]
  leaderOf(topicId: string, partition: number): number
  /** Kafka's leader epoch, which grows with each change of leader. */
  leaderEpochOf(topicId: string, partition: number): number
  coordinatorOf(group: string): number
  controller(): number
}

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
