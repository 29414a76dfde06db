/** Topics that requests name, for handlers that ask for each name once. */
import type { Topic } from '../log/topics.ts'
import { KafkaError } from '../protocol/errors.ts'
import { inParallel } from '../runtime/parallel.ts'
import type { Broker } from './broker.ts'
import { toKafkaError } from './errors.ts'
import { topicNow } from './topic-names.ts'

/** The topic id of what has none. */
export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'

const topicsAtOnce = 32

/** The topic as it is now. @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION */
export const namedTopic = ({ core, topicNames }: Broker, name: string): Promise<Topic> =>
  topicNow(core, topicNames, { name, topicId: zeroUuid })

/** What became of each name, each looked for once. */
export async function namedTopics(
  broker: Broker,
  names: readonly string[],
  look: (name: string) => Promise<Topic> = (name) => namedTopic(broker, name),
): Promise<ReadonlyMap<string, Topic | KafkaError>> {
  const found = new Map<string, Topic | KafkaError>()
  await inParallel(topicsAtOnce, [...new Set(names)], async (name) => {
    try {
      found.set(name, await look(name))
    } catch (error) {
      found.set(name, toKafkaError(error, broker.report))
    }
  })
  return found
}

/** One of `namedTopics`. @throws KafkaError what became of it */
export function requireFound(found: Topic | KafkaError | undefined): Topic {
  if (found === undefined) throw new Error('a topic was not looked for')
  if (found instanceof KafkaError) throw found
  return found
}
