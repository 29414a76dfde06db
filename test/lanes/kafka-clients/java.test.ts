/** Kafka's own client (Maven). */
import { allCompressions, behavesAsOnKafka } from './behaviour.ts'
import { installJava, javaArgs } from './install.ts'

behavesAsOnKafka(async () => ({ file: 'java', args: [...javaArgs(await installJava()), 'JavaClient'] }), {
  compressions: allCompressions,
  idempotent: true,
  staticMembers: true,
  cooperative: true,
  tooLarge: 'RecordTooLargeException',
  gone: /^(UnknownTopicOrPartitionException|TimeoutException)$/,
  adminToo: { nodes: 1, logDirs: 1 },
})
