import { asJson, flag, type Operation, orNull, ref, type Schema, text, whole } from './operation.ts'
import { cluster, listOf, related, resource } from './v3.ts'

const group = `${cluster}/consumer-groups/{group}`
const owned = { consumer_group_id: text }
const states = ['EMPTY', 'PREPARING_REBALANCE', 'COMPLETING_REBALANCE', 'STABLE', 'DEAD']

export const groupSchemas = {
  Group: resource('KafkaConsumerGroup', {
    ...owned,
    is_simple: flag,
    partition_assignor: text,
    state: { enum: states },
    type: text,
    is_mixed_consumer_group: flag,
    coordinator: related,
    consumers: related,
    lag_summary: related,
  }),
  GroupList: listOf('KafkaConsumerGroup', 'Group'),
  Member: resource('KafkaConsumer', {
    ...owned,
    consumer_id: text,
    instance_id: orNull(text),
    client_id: text,
    assignments: related,
  }),
  MemberList: listOf('KafkaConsumer', 'Member'),
  Assignment: resource('KafkaConsumerAssignment', {
    ...owned,
    consumer_id: text,
    topic_name: text,
    partition_id: whole,
    partition: related,
    lag: related,
  }),
  AssignmentList: listOf('KafkaConsumerAssignment', 'Assignment'),
  Lag: resource('KafkaConsumerLag', {
    ...owned,
    topic_name: text,
    partition_id: whole,
    consumer_id: text,
    instance_id: orNull(text),
    client_id: text,
    current_offset: whole,
    log_end_offset: whole,
    lag: whole,
  }),
  LagList: listOf('KafkaConsumerLag', 'Lag'),
  LagSummary: resource('KafkaConsumerGroupLagSummary', {
    ...owned,
    max_lag_consumer_id: text,
    max_lag_instance_id: orNull(text),
    max_lag_client_id: text,
    max_lag_topic_name: text,
    max_lag_partition_id: whole,
    max_lag: whole,
    total_lag: whole,
    max_lag_consumer: related,
    max_lag_partition: related,
  }),
} satisfies Record<string, Schema>

const get = (path: string, id: string, summary: string, answer: string): Operation => ({
  route: `GET ${path}`,
  tag: 'groups',
  id,
  summary,
  answers: { 200: asJson(ref(answer)) },
  errors: [404, 406],
})

const member = `${group}/consumers/{consumer}`

export const groupOperations: readonly Operation[] = [
  get(`${cluster}/consumer-groups`, 'v3Groups', 'All consumer groups', 'GroupList'),
  get(group, 'v3Group', 'One group', 'Group'),
  get(`${group}/consumers`, 'v3Members', 'The members of a group', 'MemberList'),
  get(member, 'v3Member', 'One member', 'Member'),
  get(`${member}/assignments`, 'v3Assignments', 'What a member owns', 'AssignmentList'),
  get(
    `${member}/assignments/{topic}/partitions/{partition}`,
    'v3Assignment',
    'One partition of a member',
    'Assignment',
  ),
  get(`${group}/lag-summary`, 'v3LagSummary', 'How far behind a group is', 'LagSummary'),
  get(`${group}/lags`, 'v3Lags', 'How far behind it is in each partition', 'LagList'),
  get(`${group}/lags/{topic}/partitions/{partition}`, 'v3Lag', 'How far behind it is in one partition', 'Lag'),
]
