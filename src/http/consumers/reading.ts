/** One read of all of an instance's partitions, from its positions. */
import { fetchOffsets } from '../../groups/offsets.ts'
import { type Fetched, fetch } from '../../log/fetch.ts'
import { listOffset } from '../../log/offsets.ts'
import { knownTopic, type Topic } from '../../log/topics.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Core } from '../../runtime/core.ts'
import { type Handed, handOutFrom } from '../handed-records.ts'
import { replyBytesWanted } from '../limits.ts'
import type { AssignedPartition, Instance } from './instance-item.ts'
import type { NewPosition } from './partitions.ts'

/** Where to go on, and whether looking again may find records before the time is up. */
export type Round = { readonly to: readonly NewPosition[]; readonly again: boolean }

/** A partition as it is read: the topic under its name now, and the place to go on from. */
type Reading = { readonly topic: Topic; readonly partition: number; readonly position: number; readonly isNew: boolean }

/** Waits up to `maxWaitMs` for records, less where `signal` aborts, and hands out what there is. Writes nothing. */
export async function readOnce(
  core: Core,
  instance: Instance,
  handed: Handed,
  maxWaitMs: number,
  signal: AbortSignal,
): Promise<Round> {
  const readings = await startingPoints(core, instance)
  if (readings.length === 0) {
    // A member that was given nothing waits like any other: it may be given something at any moment.
    if (instance.subscription) await core.clock.sleep(maxWaitMs, signal)
    return { to: [], again: false }
  }
  const maxBytes = Math.min(handed.bytesMax, replyBytesWanted)
  const fetched = await fetch(core, {
    partitions: readings.map(({ topic, partition, position }) => ({ topic, partition, offset: position, maxBytes })),
    maxBytes,
    minBytes: Math.max(1, instance.minBytes),
    maxWaitMs,
    signal,
  })
  const to: NewPosition[] = []
  const errors: KafkaError[] = []
  let again = false
  for (const [at, reading] of readings.entries()) {
    const answer = fetched[at]
    if (!answer) continue
    if (answer.topic.id !== reading.topic.id) {
      // Deleted and made anew while it was read: the position means nothing there.
      again = true
      continue
    }
    const outcome = await follow(core, instance, handed, reading, answer)
    if (outcome instanceof KafkaError) {
      errors.push(outcome)
      continue
    }
    if (outcome !== reading.position) again = true
    if (outcome !== reading.position || reading.isNew) {
      const { topic, partition } = reading
      to.push({ topic: topic.name, topicId: topic.id, partition, position: outcome })
    }
  }
  const [first] = errors
  if (first && handed.texts.length === 0 && !again) throw first
  return { to, again }
}

/** The position after a partition's answer, or its error. A position out of range goes where `auto.offset.reset` says. */
async function follow(
  core: Core,
  instance: Instance,
  handed: Handed,
  { topic, partition, position }: Reading,
  fetched: Fetched,
): Promise<number | KafkaError> {
  if (!('error' in fetched)) {
    return handOutFrom(handed, { topic: topic.name, partition, offset: position, batches: fetched.batches })
  }
  const { error } = fetched
  if (error.error === 'OFFSET_OUT_OF_RANGE') return (await listOffset(core, topic, partition, instance.reset)).offset
  if (error.error !== 'UNKNOWN_TOPIC_OR_PARTITION') return error
  // Deleted since: the next look at its name finds nothing, or a new topic.
  core.memory.topics.delete(topic.name)
  return position
}

/**
 * Assigned partitions that exist, with their positions, else the committed offsets, else where `auto.offset.reset` says. The
 * order turns from call to call, so that none starves behind a busy one.
 */
async function startingPoints(core: Core, instance: Instance): Promise<Reading[]> {
  const { assigned, group, reset } = instance
  const turn = Number.parseInt(instance.rev.slice(0, 8), 16) % Math.max(1, assigned.length)
  const inTurn = [...assigned.slice(turn), ...assigned.slice(0, turn)]
  const topics = await topicsNow(core, inTurn)
  const present = inTurn.flatMap(({ topic: name, topicId, partition, position }) => {
    const topic = topics.get(name)
    if (!topic || partition >= topic.partitions) return []
    // A position in a topic that was deleted means nothing in the one that now has its name.
    return [{ topic, partition, position: topic.id === topicId ? position : null }]
  })
  const without = present.filter(({ position }) => position === null)
  const wanted = without.map(({ topic, partition }) => ({ topicId: topic.id, partition }))
  const committed = wanted.length > 0 ? await fetchOffsets(core, group, wanted) : []
  const begin = new Map(without.map((entry, at) => [entry, committed[at]?.offset]))
  return Promise.all(
    present.map(async (entry) => {
      const { topic, partition, position } = entry
      if (position !== null) return { topic, partition, position, isNew: false }
      const offset = begin.get(entry) ?? (await listOffset(core, topic, partition, reset)).offset
      return { topic, partition, position: offset, isNew: true }
    }),
  )
}

async function topicsNow(core: Core, assigned: readonly AssignedPartition[]): Promise<Map<string, Topic>> {
  const names = [...new Set(assigned.map(({ topic }) => topic))]
  const found = await Promise.all(names.map((name) => topicIfAny(core, name)))
  return new Map(found.flatMap((topic) => (topic ? [[topic.name, topic] as const] : [])))
}

async function topicIfAny(core: Core, name: string): Promise<Topic | undefined> {
  try {
    return await knownTopic(core, name)
  } catch (error) {
    if (error instanceof KafkaError && error.error === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined
    throw error
  }
}
