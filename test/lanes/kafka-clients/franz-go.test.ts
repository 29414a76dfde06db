/** franz-go (a module of Go). */
import { allCompressions, behavesAsOnKafka } from './behaviour.ts'
import { installGo } from './install.ts'

behavesAsOnKafka(async () => ({ file: await installGo(), args: [] }), {
  compressions: allCompressions,
  idempotent: true,
  staticMembers: true,
  cooperative: true,
  tooLarge: 'MESSAGE_TOO_LARGE',
  gone: /^UNKNOWN_TOPIC_OR_PARTITION$|^UNKNOWN_TOPIC_ID$/,
})
