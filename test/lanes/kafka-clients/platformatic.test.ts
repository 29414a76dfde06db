/** @platformatic/kafka (npm), under a Node that is new enough for it. */
import { allCompressions, behavesAsOnKafka } from './behaviour.ts'
import { nodeProgram } from './install.ts'

behavesAsOnKafka(() => nodeProgram('platformatic.mjs'), {
  compressions: allCompressions,
  idempotent: true,
  staticMembers: true,
  cooperative: true,
  tooLarge: 'MESSAGE_TOO_LARGE',
  gone: /^(UNKNOWN_TOPIC_OR_PARTITION|Unknown topic .*)$/,
})
