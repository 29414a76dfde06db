/** What an instance is subscribed to, in topics. */
import { createHash } from 'node:crypto'
import { partitionCounts } from '../../groups/subscriber.ts'
import { listTopics } from '../../log/topics.ts'
import type { Core } from '../../runtime/core.ts'
import type { Access } from '../access.ts'
import type { Instance } from './instance-item.ts'
import { topicPattern } from './topic-pattern.ts'

/** The topics subscribed to, in order; of a pattern those that exist, match, and may be read by the caller. */
export async function subscribedTopics(core: Core, access: Access, instance: Instance): Promise<string[]> {
  const { subscription, group } = instance
  if (!subscription) return []
  if ('topics' in subscription) return [...new Set(subscription.topics)].sort()
  const matches = topicPattern(subscription.pattern)
  const mayRead = await access.readable(group)
  const names = (await listTopics(core)).map(({ name }) => name)
  return names.filter((name) => matches(name) && mayRead(name)).sort()
}

/**
 * A digest of what an assignment rests on: the topics and how many partitions each has. The instance's own topics, and, where it
 * is the leader, everybody's.
 */
export async function seenNow(core: Core, topics: readonly string[], watch: readonly string[]): Promise<string> {
  const names = [...new Set([...topics, ...watch])].sort()
  const counts = await partitionCounts(core, names)
  const digest = createHash('sha256').update(topics.join(','))
  for (const name of names) digest.update(`;${name}:${counts.get(name) ?? 0}`)
  return digest.digest('base64url').slice(0, 16)
}
