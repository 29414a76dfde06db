/** aiokafka (PyPI). It deletes no groups, and knows no cooperative rebalances. */
import { allCompressions, behavesAsOnKafka } from './behaviour.ts'
import { installPython, source } from './install.ts'

behavesAsOnKafka(async () => ({ file: await installPython(), args: [source('python', 'aio.py')] }), {
  compressions: allCompressions,
  idempotent: true,
  staticMembers: true,
  cooperative: false,
  adminToo: { groupDeleted: undefined },
  tooLarge: 'MessageSizeTooLargeError',
  gone: /^(UnknownTopicOrPartitionError|NotLeaderForPartitionError)$/,
})
