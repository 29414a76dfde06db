/** Topics by their ids, under which newer clients ask (KIP-516). The stores know them by name. */

import { knownTopic, listTopics, type Topic, topicNamed, unknownTopic } from '../log/topics.ts'
import { zeroUuid } from '../protocol/codec/schema.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'

export type TopicNames = {
  /** The name under which an id was last seen. */
  nameOf(topicId: string): Promise<string | undefined>
  saw(topics: readonly Topic[]): void
}

const namesMax = 100_000
/** Ids that nobody knows cost one look through all topics in this time, however many are asked for. */
const listAgainMs = 1_000

export function topicNames(core: Core): TopicNames {
  const names = new Map<string, string>()
  let listed: { readonly atMs: number; readonly done: Promise<void> } | undefined
  const saw = (topics: readonly Topic[]) => {
    for (const { id, name } of topics) {
      names.delete(id)
      names.set(id, name)
    }
    for (const oldest of names.keys()) {
      if (names.size <= namesMax) break
      names.delete(oldest)
    }
  }
  const list = (): Promise<void> => {
    const nowMs = core.clock.uptime()
    if (!listed || nowMs - listed.atMs >= listAgainMs) {
      const done = listTopics(core).then(saw)
      listed = { atMs: nowMs, done }
      done.catch(() => {
        listed = undefined
      })
    }
    return listed.done
  }
  return {
    saw,
    async nameOf(topicId) {
      if (!names.has(topicId)) await list()
      return names.get(topicId)
    },
  }
}

/** How a request names a topic: by name, or by id where that is not zero. */
export type TopicRef = { readonly name: string | null; readonly topicId: string }

export const isById = ({ topicId }: TopicRef): boolean => topicId !== zeroUuid

/**
 * The topic as this process last saw it.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID
 */
export const topicFor = (core: Core, names: TopicNames, ref: TopicRef): Promise<Topic> =>
  resolve(names, ref, (name) => knownTopic(core, name))

/** The same, for APIs that know topics by name alone. */
export const topicByName = (core: Core, names: TopicNames, name: string): Promise<Topic> =>
  topicFor(core, names, { name, topicId: zeroUuid })

/** As `topicFor`, read anew. */
export const topicNow = (core: Core, names: TopicNames, ref: TopicRef): Promise<Topic> =>
  resolve(names, ref, (name) => topicNamed(core, name))

async function resolve(names: TopicNames, ref: TopicRef, read: (name: string) => Promise<Topic>): Promise<Topic> {
  if (!isById(ref)) {
    const name = ref.name ?? ''
    // No topic can have such a name: no need to look, and no store key to hold a long one.
    if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name)) throw unknownTopic(name.slice(0, 249))
    const topic = await read(name)
    names.saw([topic])
    return topic
  }
  const name = await names.nameOf(ref.topicId)
  if (name === undefined) throw unknownTopicId(ref.topicId)
  try {
    const topic = await read(name)
    if (topic.id === ref.topicId) return topic
    names.saw([topic])
  } catch (error) {
    if (!(error instanceof KafkaError && error.error === 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
  }
  throw unknownTopicId(ref.topicId)
}

export const unknownTopicId = (topicId: string) =>
  new KafkaError('UNKNOWN_TOPIC_ID', `This server does not host the topic id ${topicId}.`)
