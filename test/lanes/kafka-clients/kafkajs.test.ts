/** KafkaJS (npm). It knows neither static members nor cooperative rebalances. */
import { allCompressions, behavesAsOnKafka } from './behaviour.ts'
import { nodeProgram } from './install.ts'

behavesAsOnKafka(() => nodeProgram('kafkajs.mjs'), {
  compressions: allCompressions,
  idempotent: true,
  staticMembers: false,
  cooperative: false,
  tooLarge: 'MESSAGE_TOO_LARGE',
  gone: /^UNKNOWN_TOPIC_OR_PARTITION$/,
})
