import { listTopics } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'

/** Whether the topic of an offset is gone, and with it the offset's meaning. */
export type GoneTopics = { has(topicId: string): Promise<boolean> }

/**
 * Lists topics as seldom as may be: an id that was listed once counts as there (should it be deleted now, the next look finds it),
 * and one that is missing from a list made after its offset was read is gone for ever, for an id is never used again.
 */
export function goneTopics(core: Core): GoneTopics {
  let there: ReadonlySet<string> = new Set()
  const gone = new Set<string>()
  return {
    async has(topicId) {
      if (there.has(topicId)) return false
      if (gone.has(topicId)) return true
      there = new Set((await listTopics(core)).map(({ id }) => id))
      if (!there.has(topicId)) gone.add(topicId)
      return gone.has(topicId)
    },
  }
}
