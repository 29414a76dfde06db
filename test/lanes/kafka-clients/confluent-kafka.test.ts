/** confluent-kafka (PyPI), which is librdkafka. */
import { allCompressions, behavesAsOnKafka } from './behaviour.ts'
import { installPython, source } from './install.ts'

behavesAsOnKafka(async () => ({ file: await installPython(), args: [source('python', 'librdkafka.py')] }), {
  compressions: allCompressions,
  idempotent: true,
  staticMembers: true,
  cooperative: true,
  tooLarge: 'MSG_SIZE_TOO_LARGE',
  gone: /^_UNKNOWN_(PARTITION|TOPIC)$/,
})
