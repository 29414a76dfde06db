/** kafka-python (PyPI). */
import { allCompressions, behavesAsOnKafka } from './behaviour.ts'
import { installPython, source } from './install.ts'

behavesAsOnKafka(async () => ({ file: await installPython(), args: [source('python', 'pure.py')] }), {
  compressions: allCompressions,
  idempotent: true,
  staticMembers: true,
  cooperative: false,
  administers: false,
  tooLarge: 'MessageSizeTooLargeError',
  gone: /^(UnknownTopicOrPartitionError|KafkaTimeoutError)$/,
})
