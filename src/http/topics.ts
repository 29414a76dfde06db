import { knownTopic, type Topic, topicNamed, unknownTopic } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'
import { HttpError } from './errors.ts'
import { type HttpRequest, param } from './request.ts'

/** No topic can have such a name, so there is no need to look (and no store key to hold a long one). */
const isImpossible = (name: string): boolean => !/^[a-zA-Z0-9._-]{1,249}$/.test(name)

/** 400 40002 for a name that no topic can have. */
export function requireTopicName(name: string): string {
  if (!isImpossible(name)) return name
  throw new HttpError(
    'badRequest',
    `No topic can have this name: 1 to 249 ASCII letters, digits, '.', '_' and '-' are allowed.`,
  )
}

/** The topic as it is now: 404 40401 (40403 in v3) where there is none. Never creates. */
export async function existingTopic(core: Core, name: string): Promise<Topic> {
  if (isImpossible(name)) throw unknownTopic(name.slice(0, 249))
  return topicNamed(core, name)
}

/**
 * The topic as this process last saw it, which saves a read; it is looked at again where it lacks one of the partitions, for it may
 * have been made anew since. 404 40401 without such a topic, 40402 without such a partition.
 */
export async function topicWith(core: Core, name: string, partitions: readonly number[]): Promise<Topic> {
  if (isImpossible(name)) throw unknownTopic(name.slice(0, 249))
  return withPartitions(core, await knownTopic(core, name), partitions)
}

/** The same for a topic that is at hand. */
export async function withPartitions(core: Core, topic: Topic, partitions: readonly number[]): Promise<Topic> {
  const missing = partitions.find((partition) => !has(topic, partition))
  if (missing === undefined) return topic
  const now = await topicNamed(core, topic.name)
  for (const partition of partitions) requirePartition(now, partition)
  return now
}

const has = (topic: Topic, partition: number): boolean =>
  Number.isSafeInteger(partition) && partition >= 0 && partition < topic.partitions

/** 404 40402 where the topic has no such partition. */
export function requirePartition(topic: Topic, partition: number): void {
  if (has(topic, partition)) return
  throw new HttpError(
    'partitionNotFound',
    `Topic '${topic.name}' has no such partition: it has 0 to ${topic.partitions - 1}.`,
  )
}

/** The path's partition; text that is no number names no partition, and becomes NaN. */
export function pathPartition(request: HttpRequest): number {
  const text = param(request, 'partition')
  return /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
}
