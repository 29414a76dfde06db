import { asV2, list, type Operation, object, orNull, partial, ref, type Schema, text, whole } from './operation.ts'
import { recordsOut } from './v2.ts'

const instance = '/consumers/{group}/instances/{instance}'
const partition = { topic: text, partition: { type: 'integer', minimum: 0, maximum: 2_147_483_647 } } as const
const partitions = object({ partitions: list(object(partition)) })
const offset = object({ ...partition, offset: whole, metadata: orNull(text) }, ['metadata'])
const offsets = partial({ offsets: { type: ['array', 'null'], items: offset } })
const setting: Schema = { type: ['string', 'number', 'boolean', 'null'] }
const oneOf = (...values: (string | boolean | null)[]): Schema => ({ enum: [...values, null] })

export const consumerSchemas = {
  ConsumerSettings: partial({
    id: orNull(text),
    name: orNull({ type: 'string', minLength: 1, maxLength: 255 }),
    format: oneOf('binary', 'json'),
    'auto.offset.reset': oneOf('latest', 'earliest'),
    'auto.commit.enable': oneOf('true', 'false', true, false),
    'enable.auto.commit': oneOf('true', 'false', true, false),
    'fetch.min.bytes': setting,
    'consumer.request.timeout.ms': setting,
    'auto.commit.interval.ms': setting,
    'consumer.instance.timeout.ms': setting,
    'session.timeout.ms': setting,
    'max.poll.interval.ms': setting,
    'partition.assignment.strategy': setting,
  }),
  Consumer: object({ instance_id: text, base_uri: { type: 'string', format: 'uri' } }),
  ConsumerPartitions: partitions,
  ConsumerOffsets: offsets,
} satisfies Record<string, Schema>

const post = (path: string, id: string, summary: string, body: Schema, required = true): Operation => ({
  route: `POST ${instance}/${path}`,
  tag: 'consumers',
  id,
  summary,
  body: { required, content: asV2(body) },
  answers: { 204: null },
  errors: [404, 409, 415, 422],
})
const get = (path: string, id: string, summary: string, answer: Schema): Operation => ({
  route: `GET ${instance}/${path}`,
  tag: 'consumers',
  id,
  summary,
  answers: { 200: asV2(answer) },
  errors: [404, 406],
})

export const consumerOperations: readonly Operation[] = [
  {
    route: 'POST /consumers/{group}',
    tag: 'consumers',
    id: 'createConsumer',
    summary: 'Makes a consumer instance of a group',
    body: { required: false, content: asV2(ref('ConsumerSettings')) },
    answers: { 200: asV2(ref('Consumer')) },
    errors: [406, 409, 415, 422],
  },
  {
    route: `DELETE ${instance}`,
    tag: 'consumers',
    id: 'deleteConsumer',
    summary: 'Ends an instance',
    answers: { 204: null },
    errors: [404],
  },
  get('subscription', 'subscription', 'The topics an instance is subscribed to', object({ topics: list(text) })),
  post(
    'subscription',
    'subscribe',
    'Subscribes to topics, or to those that match a pattern',
    partial({ topics: { type: ['array', 'null'], items: text }, topic_pattern: orNull(text) }),
    false,
  ),
  {
    route: `DELETE ${instance}/subscription`,
    tag: 'consumers',
    id: 'unsubscribe',
    summary: 'Leaves the group',
    answers: { 204: null },
    errors: [404, 409],
  },
  get('assignments', 'assignments', 'The partitions an instance reads', partitions),
  post('assignments', 'assign', 'Assigns partitions by hand', ref('ConsumerPartitions')),
  post(
    'positions',
    'seek',
    'Goes on from offsets, or from the first record at or after a time',
    partial({
      offsets: { type: ['array', 'null'], items: offset },
      timestamps: {
        type: ['array', 'null'],
        items: object({ ...partition, timestamp: { type: 'string', format: 'date-time' } }),
      },
    }),
    false,
  ),
  post('positions/beginning', 'seekToBeginning', 'Goes on from the beginning', ref('ConsumerPartitions')),
  post('positions/end', 'seekToEnd', 'Goes on from the end', ref('ConsumerPartitions')),
  {
    route: `GET ${instance}/records`,
    tag: 'consumers',
    id: 'poll',
    summary: 'The next records',
    parameters: [
      {
        name: 'timeout',
        in: 'query',
        description: 'How long to wait for the first record, in ms',
        schema: { ...whole, minimum: -1 },
      },
      {
        name: 'max_bytes',
        in: 'query',
        description: 'The most bytes of keys and values',
        schema: { ...whole, minimum: -1 },
      },
    ],
    answers: { 200: recordsOut },
    errors: [404, 406, 409, 422],
  },
  {
    route: `GET ${instance}/offsets`,
    tag: 'consumers',
    id: 'committed',
    summary: 'What the group has committed',
    description: 'The partitions may also stand in the body of the call.',
    parameters: [
      { name: 'topic', in: 'query', description: 'One topic, or as many as partitions', schema: text },
      { name: 'partition', in: 'query', description: 'Partitions, with commas between', schema: text },
      { name: 'partitions', in: 'query', description: 'The same as JSON: [{"topic","partition"}]', schema: text },
    ],
    answers: { 200: asV2(object({ offsets: list(object({ ...partition, offset: whole, metadata: text })) })) },
    errors: [404, 406, 409, 415, 422],
  },
  {
    ...post('offsets', 'commit', 'Commits offsets, or everything that was handed out', ref('ConsumerOffsets'), false),
    answers: { 200: asV2(list({}, { maxItems: 0 })), 204: null },
    errors: [404, 406, 409, 415, 422],
  },
]
