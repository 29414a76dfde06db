/** v3's shapes of consumer groups, their members, assignments and lags, with Confluent's own names. */
import type { GroupListing, GroupState, MemberDescription } from '../../groups/describe.ts'
import type { PartitionLag } from '../../groups/lag.ts'

/** Where a group's resources live: `url` is the group's own, `name` its Confluent resource name. */
export type GroupPlace = {
  readonly clusterUrl: string
  readonly clusterId: string
  readonly group: string
}

const related = (url: string) => ({ related: url })
const groupUrl = ({ clusterUrl, group }: GroupPlace): string =>
  `${clusterUrl}/consumer-groups/${encodeURIComponent(group)}`
const groupName = ({ clusterId, group }: GroupPlace): string => `crn:///kafka=${clusterId}/consumer-group=${group}`
const consumerUrl = (place: GroupPlace, memberId: string): string =>
  `${groupUrl(place)}/consumers/${encodeURIComponent(memberId)}`
const partitionPath = (topic: string, partition: number): string =>
  `${encodeURIComponent(topic)}/partitions/${partition}`
const identity = ({ clusterId, group }: GroupPlace) => ({ cluster_id: clusterId, consumer_group_id: group })

const states = {
  Empty: 'EMPTY',
  PreparingRebalance: 'PREPARING_REBALANCE',
  CompletingRebalance: 'COMPLETING_REBALANCE',
  Stable: 'STABLE',
  Dead: 'DEAD',
} as const satisfies Record<GroupState, string>

export function groupResource(place: GroupPlace, listing: GroupListing) {
  const self = groupUrl(place)
  return {
    kind: 'KafkaConsumerGroup',
    metadata: { self, resource_name: groupName(place) },
    ...identity(place),
    is_simple: listing.protocolType === '',
    partition_assignor: listing.protocol,
    state: states[listing.state],
    type: 'CLASSIC',
    is_mixed_consumer_group: false,
    coordinator: related(`${place.clusterUrl}/brokers/0`),
    consumers: related(`${self}/consumers`),
    lag_summary: related(`${self}/lag-summary`),
  }
}

export function consumerResource(place: GroupPlace, member: MemberDescription) {
  const self = consumerUrl(place, member.memberId)
  return {
    kind: 'KafkaConsumer',
    metadata: { self, resource_name: `${groupName(place)}/consumer=${member.memberId}` },
    ...identity(place),
    consumer_id: member.memberId,
    instance_id: member.instanceId ?? null,
    client_id: member.clientId,
    assignments: related(`${self}/assignments`),
  }
}

export function assignmentResource(
  place: GroupPlace,
  memberId: string,
  { topic, partition }: { readonly topic: string; readonly partition: number },
) {
  const path = partitionPath(topic, partition)
  return {
    kind: 'KafkaConsumerAssignment',
    metadata: {
      self: `${consumerUrl(place, memberId)}/assignments/${path}`,
      resource_name: `${groupName(place)}/consumer=${memberId}/assignment=${topic}/partition=${partition}`,
    },
    ...identity(place),
    consumer_id: memberId,
    topic_name: topic,
    partition_id: partition,
    partition: related(`${place.clusterUrl}/topics/${path}`),
    lag: related(`${groupUrl(place)}/lags/${path}`),
  }
}

export function lagResource(place: GroupPlace, lag: PartitionLag) {
  const { topic, partition, owner } = lag
  return {
    kind: 'KafkaConsumerLag',
    metadata: {
      self: `${groupUrl(place)}/lags/${partitionPath(topic, partition)}`,
      resource_name: `${groupName(place)}/lag=${topic}/partition=${partition}`,
    },
    ...identity(place),
    topic_name: topic,
    partition_id: partition,
    consumer_id: owner?.memberId ?? '',
    instance_id: owner?.instanceId ?? null,
    client_id: owner?.clientId ?? '',
    current_offset: lag.currentOffset,
    log_end_offset: lag.logEndOffset,
    lag: lag.lag,
  }
}

/** Of at least one lag, the greatest of them first. */
export function lagSummaryResource(place: GroupPlace, lags: readonly [PartitionLag, ...PartitionLag[]]) {
  const [greatest] = lags
  const { topic, partition, owner } = greatest
  return {
    kind: 'KafkaConsumerGroupLagSummary',
    metadata: { self: `${groupUrl(place)}/lag-summary`, resource_name: `${groupName(place)}/lag-summary` },
    ...identity(place),
    max_lag_consumer_id: owner?.memberId ?? '',
    max_lag_instance_id: owner?.instanceId ?? null,
    max_lag_client_id: owner?.clientId ?? '',
    max_lag_topic_name: topic,
    max_lag_partition_id: partition,
    max_lag: greatest.lag,
    total_lag: lags.reduce((total, { lag }) => total + lag, 0),
    max_lag_consumer: related(consumerUrl(place, owner?.memberId ?? '')),
    max_lag_partition: related(`${place.clusterUrl}/topics/${partitionPath(topic, partition)}`),
  }
}
