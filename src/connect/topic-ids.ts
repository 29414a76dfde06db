/** Names and ids of topics, as they went by in answers to Metadata: so that a produce by name wakes a fetch by id. A hint. */
import { zeroUuid } from '../protocol/codec/schema.ts'
import { topicRef } from './fetch-frames.ts'

export type TopicIds = {
  learn(topics: readonly { readonly name: string | null; readonly topicId: string }[]): void
  /** Both refs of a topic, where both are known. */
  alike(ref: string): readonly string[]
}

const topicsMax = 20_000

export function topicIds(): TopicIds {
  const others = new Map<string, string>()
  return {
    learn(topics) {
      if (others.size > topicsMax) others.clear()
      for (const { name, topicId } of topics) {
        if (!name || !topicId || topicId === zeroUuid) continue
        const ref = topicRef(name, topicId)
        others.set(name, ref)
        others.set(ref, name)
      }
    },
    alike(ref) {
      const other = others.get(ref)
      return other === undefined ? [ref] : [ref, other]
    },
  }
}
