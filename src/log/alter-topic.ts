/**
 * Changing a topic that lives: more partitions, other configs.
 *
 * The heads come first. New ones are made and all are told the new config version before one compare-and-set changes the topic:
 * whoever sees the new count finds every head there, and from the answer on every process that appends to any partition, or
 * reads it, notices that its copy of the topic is old. Until it notices, one append of each process may still go by the old
 * configs. A crash before the compare-and-set leaves the topic as it was, with heads that announce a version nobody has: appends
 * then read the topic each time, until the next change. Of new partitions a job also stays, which says what heads to look for.
 * What the new configs keep longer than the old ones is seen to in between (keep-longer.ts).
 */
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { StoreError } from '../store/errors.ts'
import { type Action, all, equals, type Patch, set } from '../store/items.ts'
import { newHead, raiseConfigVersion } from './head.ts'
import { keepLonger } from './keep-longer.ts'
import { addPartitionsJobKey, headKey, topicKey } from './keys.ts'
import { pause, untilDeadline } from './retry.ts'
import { acceptConfigs, checkTogether, configValue, type TopicConfigs } from './topic-configs.ts'
import { checkPartitionCount, findTopic, headsAtOnce, jobFormat, remember, type Topic, topicNamed } from './topics.ts'

/** Checks everything and changes nothing (Kafka's `validate_only`). */
export type AlterOptions = { readonly validateOnly?: boolean }

/**
 * Gives the topic `partitions` partitions, of which it must have fewer now. Keys go to other partitions from then on, as in Kafka.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS; nothing was changed. REQUEST_TIMED_OUT: others change it all the time.
 */
export async function increasePartitions(
  core: Core,
  name: string,
  partitions: number,
  options: AlterOptions = {},
): Promise<Topic> {
  checkPartitionCount(core, partitions)
  return changeTopic(core, name, options, (topic) => {
    if (partitions > topic.partitions) return { partitions }
    const than = partitions === topic.partitions ? 'as many as it has' : 'fewer than it has'
    throw new KafkaError(
      'INVALID_PARTITIONS',
      `Topic '${name}' has ${topic.partitions} partitions: ${partitions} would be ${than}, and their number can only grow.`,
    )
  })
}

/** The named configs and their new values; null: back to the default. */
export type ConfigChanges = Readonly<Record<string, string | null>>

/**
 * Sets the named configs, and takes those given as null back to their defaults; all at once or none. Changes that depend on what
 * is set already are given as a function of it.
 * @throws KafkaError UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG; nothing was changed. REQUEST_TIMED_OUT as above.
 */
export async function alterTopicConfigs(
  core: Core,
  name: string,
  wanted: ConfigChanges | ((overrides: TopicConfigs) => ConfigChanges),
  options: AlterOptions = {},
): Promise<Topic> {
  return changeTopic(core, name, options, ({ overrides }) => {
    const changes = typeof wanted === 'function' ? wanted(overrides) : wanted
    const accepted = acceptConfigs(
      Object.fromEntries(Object.entries(changes).map(([key, value]) => [key, value ?? configValue(overrides, key)])),
    )
    const kept = Object.entries({ ...overrides, ...accepted })
    return unlessSame(overrides, Object.fromEntries(kept.filter(([key]) => changes[key] !== null)))
  })
}

/**
 * Makes these the topic's only explicit configs (Kafka's older AlterConfigs).
 * @throws KafkaError as `alterTopicConfigs`
 */
export async function replaceTopicConfigs(
  core: Core,
  name: string,
  configs: TopicConfigs,
  options: AlterOptions = {},
): Promise<Topic> {
  const accepted = acceptConfigs(configs)
  return changeTopic(core, name, options, ({ overrides }) => unlessSame(overrides, accepted))
}

/**
 * Where a change died after it had told the heads: a version that they and the topic agree on, and configs as they are. A change under
 * way finds that another was quicker.
 * @throws KafkaError as `alterTopicConfigs`
 */
export const confirmConfigs = (core: Core, name: string): Promise<Topic> =>
  changeTopic(core, name, {}, ({ overrides }) => ({ overrides }))

const canonical = (configs: TopicConfigs): string => JSON.stringify(Object.entries(configs).sort())

function unlessSame(old: TopicConfigs, overrides: TopicConfigs): Changed | undefined {
  if (canonical(old) === canonical(overrides)) return undefined
  checkTogether(overrides)
  return { overrides }
}

type Changed = { readonly partitions: number } | { readonly overrides: TopicConfigs }

/** What becomes of a topic; `undefined`: it is already so. */
type Change = (topic: Topic) => Changed | undefined

/** Applies the change to the topic as it is, again where somebody else was quicker. */
async function changeTopic(core: Core, name: string, { validateOnly }: AlterOptions, change: Change): Promise<Topic> {
  const deadlineMs = core.clock.uptime() + core.settings.appendTimeoutMs
  let tried: Topic | undefined
  const grown: Topic[] = []
  try {
    for (let attempt = 0; ; attempt++) {
      const topic = await untilDeadline(core, deadlineMs, () => topicNamed(core, name))
      // A lost answer asked for again finds its own success as a conflict.
      if (tried && isSame(tried, topic)) return topic
      const changed = change(topic)
      if (!changed || validateOnly) return topic
      tried = { ...topic, ...changed, configVersion: topic.configVersion + 1 }
      if (tried.partitions > topic.partitions) grown.push(tried)
      await prepareHeads(core, topic, tried, deadlineMs)
      await keepLonger(core, topic, tried)
      const written = await untilDeadline(core, deadlineMs, writing(core, topic, tried))
      if (written.applied) return remember(core, tried)
      if (core.clock.uptime() >= deadlineMs) {
        throw new KafkaError('REQUEST_TIMED_OUT', `Topic '${name}' is being changed by others: try again`)
      }
      await pause(core, attempt)
    }
  } catch (error) {
    // Of a store's error nobody knows what it left behind: the job stays.
    if (error instanceof KafkaError && grown.length > 0) await giveUp(core, name, grown)
    throw error
  }
}

const isSame = (one: Topic, other: Topic): boolean =>
  one.id === other.id &&
  one.configVersion === other.configVersion &&
  one.partitions === other.partitions &&
  canonical(one.overrides) === canonical(other.overrides)

/** A head that is there already, from an attempt that did not live, is as good as new: nobody could append to it. */
async function prepareHeads(core: Core, topic: Topic, next: Topic, deadlineMs: number): Promise<void> {
  if (next.partitions > topic.partitions) {
    const job = addPartitionsJobKey(topic.id, next.partitions)
    await untilDeadline(core, deadlineMs, () => core.items.update(job, { patches: jobPatches(next) }))
  }
  await inParallel(
    headsAtOnce,
    Array.from({ length: next.partitions }, (_, at) => at),
    async (partition) => {
      const key = headKey({ topicId: topic.id, partition })
      if (partition >= topic.partitions) {
        const made = await untilDeadline(core, deadlineMs, () => core.items.update(key, newHead(next.configVersion)))
        if (made.applied) return
      }
      await untilDeadline(core, deadlineMs, () => core.items.update(key, raiseConfigVersion(next.configVersion)))
    },
  )
}

/** Only configs need no transaction: it would cost double, and a right that who alters configs has no other use for. */
function writing(core: Core, topic: Topic, next: Topic): () => Promise<{ readonly applied: boolean }> {
  const key = topicKey(topic.name)
  const unchanged = all(equals('id', topic.id), equals('cv', topic.configVersion), equals('n', topic.partitions))
  const patches: Patch[] = [set('n', next.partitions), set('c', next.overrides), set('cv', next.configVersion)]
  if (next.partitions === topic.partitions) return () => core.items.update(key, { patches, if: unchanged })
  const actions: Action[] = [
    { update: key, patches, if: unchanged },
    { delete: addPartitionsJobKey(topic.id, next.partitions) },
  ]
  return () => core.items.transact(actions)
}

/** Heads of a topic that is gone belong to nobody; those of one that lives may meanwhile belong to another's increase. */
async function giveUp(core: Core, name: string, grown: readonly Topic[]): Promise<void> {
  try {
    const now = await findTopic(core, name)
    for (const { id: topicId, partitions } of grown) {
      const heads =
        topicId === now?.id ? [] : Array.from({ length: partitions }, (_, partition) => ({ topicId, partition }))
      await inParallel(headsAtOnce, heads, (id) => core.items.delete(headKey(id)))
      await core.items.delete(addPartitionsJobKey(topicId, partitions))
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error // The job says what is left.
  }
}

const jobPatches = (next: Topic): Patch[] => [
  set('v', jobFormat),
  set('kind', 'add-partitions'),
  set('id', next.id),
  set('name', next.name),
  set('n', next.partitions),
  set('at', next.createdMs),
]
