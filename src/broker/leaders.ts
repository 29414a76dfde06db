import { KafkaError } from '../protocol/errors.ts'
import { type BrokerEndpoint, type ClusterView, nobody } from './cluster-view.ts'

const noEpoch = -1

/** The error of a request that another broker has to answer, or whose sender has an older or newer leader in mind (KIP-320). */
export function leaderError(
  view: ClusterView,
  topicId: string,
  partition: number,
  currentLeaderEpoch = noEpoch,
): KafkaError | undefined {
  if (view.leaderOf(topicId, partition) !== view.nodeId) {
    return new KafkaError('NOT_LEADER_OR_FOLLOWER', 'another broker leads this partition')
  }
  const epoch = view.leaderEpochOf(topicId, partition)
  if (currentLeaderEpoch === noEpoch || currentLeaderEpoch === epoch || view.mayLag) return undefined
  if (currentLeaderEpoch > epoch) view.outdated?.()
  return currentLeaderEpoch < epoch
    ? new KafkaError('FENCED_LEADER_EPOCH', `the leader epoch is ${epoch}, no more ${currentLeaderEpoch}`)
    : new KafkaError('UNKNOWN_LEADER_EPOCH', `the leader epoch is ${epoch}, not yet ${currentLeaderEpoch}`)
}

/** What an append by this broker is held to: `leaderEpoch` where others may have led since. */
export const ledEpoch = (view: ClusterView, topicId: string, partition: number): { readonly leaderEpoch?: number } =>
  view.fences ? { leaderEpoch: view.leaderEpochOf(topicId, partition) } : {}

/** Of a partition that nobody leads now, for as long as it takes to replace a broker. */
export const leaderErrorCode = (leaderId: number): number =>
  leaderId === nobody ? new KafkaError('LEADER_NOT_AVAILABLE', 'no broker leads this partition now').code : 0

/** Whom a client is sent to that asked the wrong broker (KIP-951). */
export const currentLeader = (view: ClusterView, topicId: string, partition: number) => ({
  leaderId: view.leaderOf(topicId, partition),
  leaderEpoch: view.leaderEpochOf(topicId, partition),
})

export const endpoint = ({ nodeId, host, port, rack }: BrokerEndpoint) => ({ nodeId, host, port, rack: rack ?? null })

/** The live brokers, as Metadata and its like name them. */
export const endpoints = (view: ClusterView) => view.brokers().map(endpoint)

/** Copies of the data are the stores' own: every live broker can serve every partition, the leader first. */
export function replicasOf(view: ClusterView, topicId: string, partition: number): number[] {
  const leader = view.leaderOf(topicId, partition)
  const others = view.brokers().flatMap(({ nodeId }) => (nodeId === leader ? [] : [nodeId]))
  return leader === nobody ? others : [leader, ...others]
}
