import {
  anything,
  asJson,
  flag,
  idempotencyKey,
  list,
  type Operation,
  object,
  orNull,
  partial,
  ref,
  type Schema,
  text,
  whole,
} from './operation.ts'

export const cluster = '/v3/clusters/{cluster}'
const topic = `${cluster}/topics/{topic}`

export const related = object({ related: { type: 'string', format: 'uri' } })
/** A resource: its kind, its place, the cluster, and its own fields. */
export const resource = (kind: string, fields: Readonly<Record<string, Schema>>): Schema =>
  object({
    kind: { const: kind },
    metadata: object({ self: { type: 'string', format: 'uri' }, resource_name: text }),
    cluster_id: text,
    ...fields,
  })
export const listOf = (kind: string, name: string): Schema =>
  object({
    kind: { const: `${kind}List` },
    metadata: object({ self: { type: 'string', format: 'uri' }, next: { type: 'null' } }),
    data: list(ref(name)),
  })

const config = (kind: string, owner: Readonly<Record<string, Schema>>) =>
  resource(kind, {
    ...owner,
    name: text,
    value: text,
    is_default: flag,
    is_read_only: flag,
    is_sensitive: flag,
    source: ref('ConfigSource'),
    synonyms: list(object({ name: text, value: text, source: ref('ConfigSource') })),
  })

const configValue = (value: Schema) => object({ name: text, value }, ['value'])
const topicName = { type: 'string', pattern: '^[a-zA-Z0-9._-]{1,249}$' } as const
const data: Schema = {
  type: ['object', 'null'],
  properties: { type: { enum: ['BINARY', 'JSON', 'STRING'] }, data: anything },
  required: ['type'],
  additionalProperties: false,
}
const dataOut = object({ type: { enum: ['BINARY', 'JSON', 'STRING'] }, size: whole })
const recordFields = {
  partition_id: orNull({ type: 'integer', minimum: 0, maximum: 2_147_483_647 }),
  headers: { type: ['array', 'null'], items: object({ name: text, value: orNull(text) }, ['value']) },
  key: data,
  value: data,
  timestamp: orNull({ type: 'string', format: 'date-time' }),
}
const appended = {
  cluster_id: text,
  topic_name: text,
  partition_id: whole,
  offset: whole,
  timestamp: { type: 'string', format: 'date-time' },
  key: dataOut,
  value: dataOut,
}
const id = { type: 'string', minLength: 1, maxLength: 80 }
const failure = { error_code: { type: 'integer', not: { const: 200 } }, message: text }

export const v3Schemas = {
  Cluster: resource('KafkaCluster', {
    controller: related,
    acls: related,
    brokers: related,
    broker_configs: related,
    consumer_groups: related,
    topics: related,
    partition_reassignments: related,
  }),
  ClusterList: listOf('KafkaCluster', 'Cluster'),
  V3Topic: resource('KafkaTopic', {
    topic_name: topicName,
    is_internal: flag,
    replication_factor: whole,
    partitions_count: whole,
    partitions: related,
    configs: related,
    partition_reassignments: related,
    authorized_operations: list(text),
  }),
  V3TopicList: listOf('KafkaTopic', 'V3Topic'),
  NewTopic: object(
    {
      topic_name: topicName,
      partitions_count: orNull({ type: 'integer', minimum: 1 }),
      replication_factor: orNull({ type: 'integer', minimum: 1, maximum: 3 }),
      configs: { type: ['array', 'null'], items: configValue(orNull(text)) },
    },
    ['partitions_count', 'replication_factor', 'configs'],
  ),
  ConfigSource: { enum: ['DYNAMIC_TOPIC_CONFIG', 'STATIC_BROKER_CONFIG', 'DEFAULT_CONFIG'] },
  TopicConfig: config('KafkaTopicConfig', { topic_name: topicName }),
  TopicConfigList: listOf('KafkaTopicConfig', 'TopicConfig'),
  BrokerConfig: config('KafkaClusterConfig', { config_type: { const: 'BROKER' } }),
  BrokerConfigList: listOf('KafkaClusterConfig', 'BrokerConfig'),
  ConfigValue: partial({ value: orNull(text) }),
  ConfigChanges: object(
    {
      data: list(
        object({ name: text, value: orNull(text), operation: { enum: ['SET', 'DELETE', null] } }, [
          'value',
          'operation',
        ]),
        { minItems: 1 },
      ),
      validate_only: orNull({ type: 'boolean' }),
    },
    ['validate_only'],
  ),
  V3Partition: resource('KafkaPartition', {
    topic_name: topicName,
    partition_id: whole,
    leader: related,
    replicas: related,
    reassignment: related,
  }),
  V3PartitionList: listOf('KafkaPartition', 'V3Partition'),
  PartitionOffsets: resource('KafkaPartitionWithOffsets', {
    topic_name: topicName,
    partition_id: whole,
    earliest_offset: whole,
    latest_offset: whole,
  }),
  V3Record: partial(recordFields),
  Report: { oneOf: [object({ error_code: { const: 200 }, ...appended }, ['key', 'value']), object(failure)] },
  RecordBatch: object({ entries: list(object({ id, ...recordFields }, Object.keys(recordFields)), { minItems: 1 }) }),
  BatchReport: object({
    successes: list(object({ id, ...appended }, ['key', 'value'])),
    failures: list(object({ id, ...failure })),
  }),
} satisfies Record<string, Schema>

const get = (path: string, id: string, summary: string, answer: string, more: Partial<Operation> = {}): Operation => ({
  route: `GET ${path}`,
  tag: 'v3',
  id,
  summary,
  answers: { 200: asJson(ref(answer)) },
  errors: [404, 406],
  ...more,
})

/** Broker configs are set at the deployment: every try to change one is 400. */
const refused = (route: string, id: string, more: Partial<Operation> = {}): Operation => ({
  route,
  tag: 'v3',
  id,
  summary: 'Is refused: broker configs are set where Millrace is deployed',
  answers: {},
  errors: [404],
  ...more,
})

export const v3Operations: readonly Operation[] = [
  get('/v3/clusters', 'v3Clusters', 'The clusters: one', 'ClusterList', { errors: [406] }),
  get(cluster, 'v3Cluster', 'The cluster', 'Cluster'),
  get(`${cluster}/topics`, 'v3Topics', 'All topics', 'V3TopicList'),
  {
    route: `POST ${cluster}/topics`,
    tag: 'v3',
    id: 'v3CreateTopic',
    summary: 'Creates a topic',
    body: { required: true, content: asJson(ref('NewTopic')) },
    answers: { 201: asJson(ref('V3Topic')) },
    errors: [404, 406, 415, 422],
  },
  get(topic, 'v3Topic', 'One topic', 'V3Topic'),
  {
    route: `PATCH ${topic}`,
    tag: 'v3',
    id: 'v3IncreasePartitions',
    summary: 'Gives a topic more partitions',
    body: {
      required: true,
      content: asJson(object({ partitions_count: { type: 'integer', minimum: 1 } })),
    },
    answers: { 200: asJson(ref('V3Topic')) },
    errors: [404, 406, 415, 422],
  },
  {
    route: `DELETE ${topic}`,
    tag: 'v3',
    id: 'v3DeleteTopic',
    summary: 'Deletes a topic and its records',
    answers: { 204: null },
    errors: [404],
  },
  get(`${cluster}/topics/-/configs`, 'v3AllTopicConfigs', 'The configs of all topics', 'TopicConfigList'),
  get(`${topic}/configs`, 'v3TopicConfigs', 'The configs of a topic', 'TopicConfigList'),
  get(`${topic}/configs/{name}`, 'v3TopicConfig', 'One config of a topic', 'TopicConfig'),
  {
    route: `PUT ${topic}/configs/{name}`,
    tag: 'v3',
    id: 'v3SetTopicConfig',
    summary: 'Sets a config of a topic',
    body: { required: false, content: asJson(ref('ConfigValue')) },
    answers: { 204: null },
    errors: [404, 415, 422],
  },
  {
    route: `DELETE ${topic}/configs/{name}`,
    tag: 'v3',
    id: 'v3ResetTopicConfig',
    summary: 'Takes a config back to its default',
    answers: { 204: null },
    errors: [404],
  },
  {
    route: `POST ${topic}/{verb}`,
    path: `${topic}/configs:alter`,
    tag: 'v3',
    id: 'v3AlterTopicConfigs',
    summary: 'Changes several configs of a topic, all or none',
    body: { required: true, content: asJson(ref('ConfigChanges')) },
    answers: { 204: null },
    errors: [404, 406, 415, 422],
  },
  get(`${topic}/partitions`, 'v3Partitions', 'The partitions of a topic', 'V3PartitionList'),
  get(`${topic}/partitions/{partition}`, 'v3Partition', 'One partition', 'V3Partition'),
  get(`${topic}/partitions/{partition}/offset`, 'v3Offsets', 'Where a partition begins and ends', 'PartitionOffsets', {
    parameters: [
      {
        name: 'offset',
        in: 'query',
        description: 'Both are told in any case',
        schema: { enum: ['earliest', 'latest'] },
      },
    ],
  }),
  get(`${cluster}/broker-configs`, 'v3BrokerConfigs', 'What the operator has set', 'BrokerConfigList'),
  get(`${cluster}/broker-configs/{name}`, 'v3BrokerConfig', 'One broker config', 'BrokerConfig'),
  refused(`PUT ${cluster}/broker-configs/{name}`, 'v3SetBrokerConfig'),
  refused(`DELETE ${cluster}/broker-configs/{name}`, 'v3ResetBrokerConfig'),
  refused(`POST ${cluster}/{verb}`, 'v3AlterBrokerConfigs', { path: `${cluster}/broker-configs:alter` }),
  {
    route: `POST ${topic}/records`,
    tag: 'v3',
    id: 'v3Produce',
    summary: 'Appends records',
    description:
      'The body is one JSON document for each record, one after the other, and so is the answer with its reports; the status is 200 whatever becomes of a record.',
    parameters: [idempotencyKey],
    body: { required: true, content: asJson(ref('V3Record')) },
    answers: { 200: asJson(ref('Report')) },
    errors: [404, 406, 415, 422],
  },
  {
    route: `POST ${topic}/{verb}`,
    path: `${topic}/records:batch`,
    tag: 'v3',
    id: 'v3ProduceBatch',
    summary: 'Appends a batch of records',
    parameters: [idempotencyKey],
    body: { required: true, content: asJson(ref('RecordBatch')) },
    answers: { 207: asJson(ref('BatchReport')) },
    errors: [404, 406, 415, 422],
  },
]
