/** confluent-kafka (PyPI), which is librdkafka. */
import { allCompressions, behavesAsOnKafka } from './behaviour.ts'
import { installPython, source } from './install.ts'

behavesAsOnKafka(async () => ({ file: await installPython(), args: [source('python', 'librdkafka.py')] }), {
  compressions: allCompressions,
  idempotent: true,
  staticMembers: true,
  cooperative: true,
  tooLarge: 'MSG_SIZE_TOO_LARGE',
  // Destroyed: its look at the metadata came while the record was in the partition's queue. Beside Kafka it is no other.
  gone: /^_(UNKNOWN_PARTITION|UNKNOWN_TOPIC|DESTROY|MSG_TIMED_OUT)$/,
})
