/**
 * Topics: named, partitioned, each creation under an id of its own.
 *
 *   topic item   v format   id topic id   n partitions   c configs set explicitly   cv their version   era   at created (ms)
 *   job item     v format   kind `create-topic`, `delete-topic` or `add-partitions` (alter-topic.ts)   id topic id   n partitions   at (ms)
 *                (what works it off adds to it: maintenance/jobs-task.ts)
 *
 * Creating: first a job, then the heads, then one transaction that gives the name and ends the job: readers see a topic of any
 * size whole or not at all. Deleting: one transaction takes the name and writes a job, then the heads go, which fences every
 * writer, then the answer; index and objects are left to the job. A crash leaves a job, which says what there is to sweep.
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { absent, add, equals, type Item, type Row, set } from '../store/items.ts'
import { requireFormat } from './format.ts'
import { newHead } from './head.ts'
import { headKey, jobKey, topicKey, topicsPk } from './keys.ts'
import { untilDeadline } from './retry.ts'
import { acceptConfigs, checkTogether, type TopicConfigs } from './topic-configs.ts'
import { newUuid } from './uuid.ts'

const topicFormat = 1
export const jobFormat = 1
export const headsAtOnce = 32
const topicsAPage = 1_000

export type Topic = {
  readonly id: string
  readonly name: string
  readonly partitions: number
  /** Configs that were set explicitly. */
  readonly overrides: TopicConfigs
  readonly configVersion: number
  readonly era: number
  readonly createdMs: number
}

export type NewTopic = { readonly name: string; readonly partitions?: number; readonly configs?: TopicConfigs }

/**
 * Creates a topic, all partitions at once.
 * @throws KafkaError INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_CONFIG; nothing was created.
 */
export async function createTopic(core: Core, wanted: NewTopic): Promise<Topic> {
  const { name, partitions = core.settings.defaultPartitions } = wanted
  const overrides = await checkNewTopic(core, wanted)
  const topic: Topic = {
    id: newUuid(core.random),
    name,
    partitions,
    overrides,
    configVersion: 0,
    era: 0,
    createdMs: core.clock.now(),
  }
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  const job = jobKey(topic.id)
  await untilDeadline(core, deadlineMs, () => core.items.update(job, writeJob('create-topic', topic, topic.createdMs)))
  await createHeads(core, topic)
  const named = await untilDeadline(core, deadlineMs, () =>
    core.items.transact([
      { update: topicKey(name), patches: topicPatches(topic), if: absent('v') },
      { delete: job, if: equals('kind', 'create-topic') },
    ]),
  )
  if (named.applied) return remember(core, topic)
  const now = await findTopic(core, name)
  // A lost answer asked for again finds its own success as a conflict: the id tells.
  if (now?.id === topic.id) return now
  await removeHeads(core, topic)
  if (!now) throw tookTooLong(name)
  await core.items.delete(job, equals('kind', 'create-topic'))
  throw exists(name)
}

/** What `createTopic` asks before it creates anything; the topic's own configs. @throws KafkaError as `createTopic` */
export async function checkNewTopic(core: Core, { name, partitions, configs = {} }: NewTopic): Promise<TopicConfigs> {
  checkTopicName(name)
  if (partitions !== undefined) checkPartitionCount(core, partitions)
  const overrides = acceptConfigs(configs)
  checkTogether(overrides)
  if (await findTopic(core, name)) throw exists(name)
  return overrides
}

/** The topic as it is now. Never creates one. */
export async function findTopic(core: Core, name: string): Promise<Topic | undefined> {
  const item = await core.items.get(topicKey(name))
  if (!item) {
    core.memory.topics.delete(name)
    return undefined
  }
  return remember(core, readTopic({ sk: name, item }))
}

/**
 * The topic as it is now.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION
 */
export async function topicNamed(core: Core, name: string): Promise<Topic> {
  const topic = await findTopic(core, name)
  if (!topic) throw unknownTopic(name)
  return topic
}

/**
 * The topic as this process last saw it, read only where it never did: what appends and fetches use, for a head that is gone or
 * of another config version makes them look again.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION
 */
export async function knownTopic(core: Core, name: string): Promise<Topic> {
  return core.memory.topics.get(name) ?? topicNamed(core, name)
}

/**
 * As `knownTopic`, and creates the topic where settings allow.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION
 */
export async function topicToProduceTo(core: Core, name: string): Promise<Topic> {
  const known = core.memory.topics.get(name) ?? (await findTopic(core, name))
  if (known) return known
  if (!core.settings.autoCreateTopics) throw unknownTopic(name)
  try {
    return await createTopic(core, { name })
  } catch (error) {
    if (error instanceof KafkaError && error.error === 'TOPIC_ALREADY_EXISTS') return topicNamed(core, name)
    throw error
  }
}

/** All topics in order of their names. One query a thousand, never a scan. */
export async function listTopics(core: Core): Promise<Topic[]> {
  const topics: Topic[] = []
  for (;;) {
    const last = topics.at(-1)
    const from = last ? { from: `${last.name}\0` } : {}
    const rows = await core.items.query({ pk: topicsPk, ...from, limit: topicsAPage })
    topics.push(...rows.map(readTopic))
    if (rows.length < topicsAPage) return topics
  }
}

/**
 * Deletes the topic: when this returns, no reader and no writer can reach any of its partitions. `onlyId`: not another that bears
 * the name by now.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION
 */
export async function deleteTopic(core: Core, name: string, onlyId?: string): Promise<void> {
  const topic = await topicNamed(core, name)
  if (onlyId !== undefined && topic.id !== onlyId) throw unknownTopic(name)
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  const { patches } = writeJob('delete-topic', topic, core.clock.now())
  const taken = await untilDeadline(core, deadlineMs, () =>
    core.items.transact([
      { delete: topicKey(name), if: equals('id', topic.id) },
      { update: jobKey(topic.id), patches },
    ]),
  )
  core.memory.topics.delete(name)
  if (!taken.applied && !(await core.items.get(jobKey(topic.id)))) throw unknownTopic(name)
  await removeHeads(core, topic)
}

/** Raises the topic's era, unless somebody did since `seen` was read: every new stamp then lies beyond any horizon. */
export async function raiseEra(core: Core, seen: Topic): Promise<void> {
  await core.items.update(topicKey(seen.name), { patches: [add('era', 1)], if: equals('era', seen.era) })
  core.memory.topics.delete(seen.name)
}

/** @throws KafkaError INVALID_TOPIC_EXCEPTION */
export function checkTopicName(name: string): void {
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..') return
  throw new KafkaError(
    'INVALID_TOPIC_EXCEPTION',
    `Topic name ${JSON.stringify(name.slice(0, 260))} is illegal: 1 to 249 ASCII letters, digits, '.', '_' and '-', and not '.' or '..'`,
  )
}

/** @throws KafkaError INVALID_PARTITIONS */
export function checkPartitionCount(core: Core, partitions: number): void {
  const { maxPartitions } = core.settings
  if (Number.isInteger(partitions) && partitions >= 1 && partitions <= maxPartitions) return
  throw new KafkaError(
    'INVALID_PARTITIONS',
    `Number of partitions must be from 1 to ${maxPartitions}, not ${partitions}`,
  )
}

const everyPartition = (topic: Topic) =>
  Array.from({ length: topic.partitions }, (_, partition) => ({ topicId: topic.id, partition }))

async function createHeads(core: Core, topic: Topic): Promise<void> {
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  await inParallel(headsAtOnce, everyPartition(topic), (id) =>
    untilDeadline(core, deadlineMs, () => core.items.update(headKey(id), newHead(topic.configVersion))),
  )
}

async function removeHeads(core: Core, topic: Topic): Promise<void> {
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  await inParallel(headsAtOnce, everyPartition(topic), (id) =>
    untilDeadline(core, deadlineMs, () => core.items.delete(headKey(id))),
  )
}

const topicPatches = (topic: Topic) => [
  set('v', topicFormat),
  set('id', topic.id),
  set('n', topic.partitions),
  set('c', topic.overrides),
  set('cv', topic.configVersion),
  set('era', topic.era),
  set('at', topic.createdMs),
]

const writeJob = (kind: 'create-topic' | 'delete-topic', topic: Topic, atMs: number) => ({
  patches: [set('v', jobFormat), set('kind', kind), set('id', topic.id), set('n', topic.partitions), set('at', atMs)],
})

function readTopic({ sk: name, item }: Row): Topic {
  requireFormat('topic', name, item.v, topicFormat)
  return {
    id: String(item.id),
    name,
    partitions: Number(item.n),
    overrides: readConfigs(item),
    configVersion: Number(item.cv),
    era: Number(item.era),
    createdMs: Number(item.at),
  }
}

function readConfigs({ c }: Item): TopicConfigs {
  if (typeof c !== 'object' || c === null) return {}
  return Object.fromEntries(Object.entries(c).map(([name, value]) => [name, String(value)]))
}

const topicsRemembered = 10_000

/** Keeps the topic as this process last saw it. */
export function remember(core: Core, topic: Topic): Topic {
  const { topics } = core.memory
  topics.delete(topic.name)
  topics.set(topic.name, topic)
  for (const oldest of topics.keys()) {
    if (topics.size <= topicsRemembered) break
    topics.delete(oldest)
  }
  return topic
}

/** The maintenance took it for dead: what it made is removed. */
const tookTooLong = (name: string) =>
  new KafkaError('REQUEST_TIMED_OUT', `Creating topic '${name}' took more than an hour: it was given up.`)

const exists = (name: string) => new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)

export const unknownTopic = (name: string) =>
  new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Topic '${name}' does not exist.`)

/** @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION */
export function requirePartition(topic: Topic, partition: number): void {
  if (Number.isInteger(partition) && partition >= 0 && partition < topic.partitions) return
  throw new KafkaError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    `Topic '${topic.name}' has no partition ${partition}: it has partitions 0 to ${topic.partitions - 1}.`,
  )
}
