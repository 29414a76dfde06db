import { listTopics, type Topic } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'
import { offsetRows } from './offset-rows.ts'
import type { CommittedOffset } from './offsets.ts'

export type GroupOffset = CommittedOffset & {
  readonly topic: Topic
  readonly partition: number
}

/** Every committed offset of a group, by topic name and partition. Those of topics that are gone are left out. @throws StoreError */
export async function groupOffsets(core: Core, group: string): Promise<GroupOffset[]> {
  const rows = []
  for await (const page of offsetRows(core, group)) rows.push(...page)
  if (rows.length === 0) return []
  const topics = new Map((await listTopics(core)).map((topic) => [topic.id, topic]))
  const offsets = rows.flatMap(({ topicId, partition, offset, metadata, leaderEpoch, changedMs }) => {
    const topic = topics.get(topicId)
    return topic && offset !== undefined
      ? [{ topic, partition, offset, metadata, leaderEpoch, committedMs: changedMs }]
      : []
  })
  return offsets.sort(byTopic)
}

/** Whether anything is committed: a group that only has offsets is a group. @throws StoreError */
export async function hasOffsets(core: Core, group: string): Promise<boolean> {
  for await (const page of offsetRows(core, group)) if (page.some(({ offset }) => offset !== undefined)) return true
  return false
}

/** In order of names, then partitions. */
export function byTopic(
  a: { readonly topic: { readonly name: string }; readonly partition: number },
  b: { readonly topic: { readonly name: string }; readonly partition: number },
): number {
  if (a.topic.name !== b.topic.name) return a.topic.name < b.topic.name ? -1 : 1
  return a.partition - b.partition
}
