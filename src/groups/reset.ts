/** Moving the offsets of a group that nobody is in, as `kafka-consumer-groups --reset-offsets` does. */
import { listOffset, partitionBounds } from '../log/offsets.ts'
import { requirePartition, type Topic, topicNamed } from '../log/topics.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { stateOf } from './describe.ts'
import { byTopic, groupOffsets } from './group-offsets.ts'
import { look } from './look.ts'
import { commitOffsets } from './offsets.ts'

export type ResetTarget =
  | 'earliest'
  | 'latest'
  /** The first record at or after the time; the end of the log where there is none. */
  | { readonly timestampMs: number }
  /** So many records on from what is committed, back where negative. */
  | { readonly shiftBy: number }
  | { readonly offset: number }

/** All that the group has committed, all partitions of some topics, or some partitions. */
export type ResetScope = 'committed' | readonly { readonly topic: string; readonly partitions?: readonly number[] }[]

export type ResetOffset = {
  readonly topic: string
  readonly partition: number
  /** `undefined`: nothing was committed. */
  readonly from: number | undefined
  readonly to: number
}

const searchesAtOnce = 16
const commitsAtOnce = 100

/**
 * Sets the committed offsets, clamped to what the log holds. With `dryRun` only says what it would do.
 * The group need not exist: a reset may prepare the ground for one.
 * @throws KafkaError NON_EMPTY_GROUP (nothing was changed), UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST for a shift of what was
 *   never committed; UNKNOWN_MEMBER_ID where members came in between; StoreError
 */
export async function resetOffsets(
  core: Core,
  group: string,
  target: ResetTarget,
  scope: ResetScope,
  options: { readonly dryRun?: boolean } = {},
): Promise<ResetOffset[]> {
  // Members may have died unseen.
  await look(core, group)
  const state = await stateOf(core, group)
  if (state !== 'Empty' && state !== 'Dead') {
    throw new KafkaError('NON_EMPTY_GROUP', `The group ${group} is ${state}: offsets are reset while nobody is in it.`)
  }
  const places = await placesOf(core, group, scope)
  const reset = await inParallel(searchesAtOnce, places, async ({ topic, partition, from }) => ({
    topic: topic.name,
    topicId: topic.id,
    partition,
    from,
    to: await offsetFor(core, { topic, partition, from }, target),
  }))
  if (!options.dryRun) {
    for (let at = 0; at < reset.length; at += commitsAtOnce) {
      const entries = reset.slice(at, at + commitsAtOnce)
      await commitOffsets(
        core,
        group,
        entries.map(({ topicId, partition, to }) => ({ topicId, partition, offset: to })),
      )
    }
  }
  return reset.map(({ topic, partition, from, to }) => ({ topic, partition, from, to }))
}

type Place = { readonly topic: Topic; readonly partition: number; readonly from: number | undefined }

async function placesOf(core: Core, group: string, scope: ResetScope): Promise<Place[]> {
  const committed = await groupOffsets(core, group)
  if (scope === 'committed')
    return committed.map(({ topic, partition, offset }) => ({ topic, partition, from: offset }))
  const places: Place[] = []
  for (const { topic: name, partitions } of scope) {
    const topic = await topicNamed(core, name)
    for (const partition of partitions ?? Array.from({ length: topic.partitions }, (_, each) => each)) {
      requirePartition(topic, partition)
      const found = committed.find((one) => one.topic.id === topic.id && one.partition === partition)
      places.push({ topic, partition, from: found?.offset })
    }
  }
  return places.sort(byTopic)
}

async function offsetFor(core: Core, { topic, partition, from }: Place, target: ResetTarget): Promise<number> {
  const { earliest, latest } = await partitionBounds(core, topic, partition)
  const clamped = (offset: number) => Math.min(latest, Math.max(earliest, offset))
  if (target === 'earliest') return earliest
  if (target === 'latest') return latest
  if ('offset' in target) return clamped(target.offset)
  if ('timestampMs' in target) {
    const { offset } = await listOffset(core, topic, partition, target)
    return offset < 0 ? latest : clamped(offset)
  }
  if (from !== undefined) return clamped(from + target.shiftBy)
  throw new KafkaError('INVALID_REQUEST', `Nothing is committed for ${topic.name}-${partition} to shift from.`)
}
