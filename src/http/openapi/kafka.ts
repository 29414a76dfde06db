import { anything, type Operation } from './operation.ts'

const bytes = { 'application/octet-stream': anything }

export const kafkaOperations: readonly Operation[] = [
  {
    route: 'POST /kafka',
    tag: 'kafka',
    id: 'kafkaFrame',
    summary: 'One request of Kafka’s binary protocol',
    description: 'What `millrace connect` sends for Kafka clients: a frame without its length, both ways.',
    parameters: [
      {
        name: 'millrace-advertise',
        in: 'header',
        description: 'Where Kafka clients reach the sender, as HOST:PORT',
        required: true,
        schema: { type: 'string', pattern: '^[a-zA-Z0-9][a-zA-Z0-9.-]{0,99}:[1-9][0-9]{0,3}$' },
      },
    ],
    body: { required: true, content: bytes },
    // Without a body: the frame wanted no answer (Produce with acks 0).
    answers: { 200: bytes, 204: null },
    errors: [415],
  },
]
