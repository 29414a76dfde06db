import { producedRecordsMax } from '../limits.ts'
import {
  anything,
  asRecords,
  asV2,
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

const headersIn = { type: ['array', 'null'], items: object({ key: text, value: orNull(text) }, ['value']) }
const record = (data: Schema, more: Readonly<Record<string, Schema>>) =>
  partial({ key: data, value: data, timestamp: orNull(whole), headers: headersIn, ...more })
const produced = (data: Schema, more: Readonly<Record<string, Schema>> = {}) => {
  const schemas = { key_schema: anything, key_schema_id: anything, value_schema: anything, value_schema_id: anything }
  return object(
    { records: list(record(data, more), { minItems: 1, maxItems: producedRecordsMax }), ...schemas },
    Object.keys(schemas),
  )
}
const base64 = orNull({ type: 'string', contentEncoding: 'base64', pattern: '^([A-Za-z0-9+/]{4})*$' })
const partition = { partition: orNull({ type: 'integer', minimum: 0, maximum: 2_147_483_647 }) }

export const v2Schemas = {
  Error: object({ error_code: { type: 'integer' }, message: text }),
  Partition: object({
    partition: whole,
    leader: whole,
    replicas: list(object({ broker: whole, leader: flag, in_sync: flag })),
  }),
  Topic: object({
    name: text,
    configs: { type: 'object', additionalProperties: text },
    partitions: list(ref('Partition')),
  }),
  ProduceJson: produced(anything, partition),
  ProduceBinary: produced(base64, partition),
  ProduceJsonToPartition: produced(anything),
  ProduceBinaryToPartition: produced(base64),
  Produced: object({
    offsets: list(
      object({
        partition: orNull(whole),
        offset: orNull(whole),
        error_code: orNull({ type: 'integer' }),
        error: orNull(text),
      }),
    ),
    key_schema_id: { type: 'null' },
    value_schema_id: { type: 'null' },
  }),
  JsonRecord: recordOut(anything),
  BinaryRecord: recordOut(orNull(text)),
} satisfies Record<string, Schema>

function recordOut(data: Schema): Schema {
  return object({
    topic: text,
    key: data,
    value: data,
    partition: whole,
    offset: whole,
    timestamp: { type: 'integer' },
    headers: list(object({ key: text, value: orNull(text) })),
  })
}

export const recordsOut = asRecords(list(ref('JsonRecord')), list(ref('BinaryRecord')))

export const v2Operations: readonly Operation[] = [
  {
    route: 'GET /',
    tag: 'v2',
    id: 'root',
    summary: 'Whether anybody is there',
    answers: { 200: asV2(object({})) },
    errors: [406],
  },
  {
    route: 'GET /brokers',
    tag: 'v2',
    id: 'brokers',
    summary: 'The brokers: one, the API itself',
    answers: { 200: asV2(object({ brokers: list(whole) })) },
    errors: [406],
  },
  {
    route: 'GET /topics',
    tag: 'v2',
    id: 'topics',
    summary: 'The names of all topics',
    answers: { 200: asV2(list(text)) },
    errors: [406],
  },
  {
    route: 'GET /topics/{topic}',
    tag: 'v2',
    id: 'topic',
    summary: 'One topic with its configs and partitions',
    answers: { 200: asV2(ref('Topic')) },
    errors: [404, 406],
  },
  {
    route: 'POST /topics/{topic}',
    tag: 'v2',
    id: 'produce',
    summary: 'Appends records',
    description:
      'The partition is the one named, that of the key (murmur2), or one for the whole call. Of missing topics see auto.create.topics.enable.',
    parameters: [idempotencyKey],
    body: { required: true, content: asRecords(ref('ProduceJson'), ref('ProduceBinary')) },
    answers: { 200: { ...asV2(ref('Produced')), ...asRecords(ref('Produced'), ref('Produced')) } },
    errors: [404, 406, 415, 422],
  },
  {
    route: 'GET /topics/{topic}/partitions',
    tag: 'v2',
    id: 'partitions',
    summary: 'The partitions of a topic',
    answers: { 200: asV2(list(ref('Partition'))) },
    errors: [404, 406],
  },
  {
    route: 'GET /topics/{topic}/partitions/{partition}',
    tag: 'v2',
    id: 'partition',
    summary: 'One partition',
    answers: { 200: asV2(ref('Partition')) },
    errors: [404, 406],
  },
  {
    route: 'POST /topics/{topic}/partitions/{partition}',
    tag: 'v2',
    id: 'produceToPartition',
    summary: 'Appends records to one partition',
    parameters: [idempotencyKey],
    body: { required: true, content: asRecords(ref('ProduceJsonToPartition'), ref('ProduceBinaryToPartition')) },
    answers: { 200: { ...asV2(ref('Produced')), ...asRecords(ref('Produced'), ref('Produced')) } },
    errors: [404, 406, 415, 422],
  },
  {
    route: 'GET /topics/{topic}/partitions/{partition}/offsets',
    tag: 'v2',
    id: 'offsets',
    summary: 'Where a partition begins and ends',
    answers: { 200: asV2(object({ beginning_offset: whole, end_offset: whole })) },
    errors: [404, 406],
  },
  {
    route: 'GET /topics/{topic}/partitions/{partition}/records',
    tag: 'v2',
    id: 'fetch',
    summary: 'Records from an offset on, without a consumer',
    parameters: [
      { name: 'offset', in: 'query', description: 'Of the first record', required: true, schema: whole },
      { name: 'count', in: 'query', description: 'The most records', schema: whole },
      {
        name: 'max_bytes',
        in: 'query',
        description: 'The most bytes of keys and values; one record may be larger',
        schema: whole,
      },
      {
        name: 'timeout',
        in: 'query',
        description: 'How long to wait at the end of the log, in ms',
        schema: { ...whole, default: 0 },
      },
    ],
    answers: { 200: recordsOut },
    errors: [404, 406, 422],
  },
]
