/**
 * What an operator does to groups. Nothing is simply removed: a commit that lies frozen somewhere would bring it back. Deleted
 * offsets become tombstones behind a raised fence, a deleted group an empty one of a later generation that nobody belongs to; the
 * schedule removes both when nothing can still be asleep (tidy.ts).
 */
import { findTopic } from '../log/topics.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { describeGroup, isNobodys, notFound } from './describe.ts'
import { memberFence, outsiderFence } from './fence.ts'
import { changeGroup, type Group, newGroup, readGroup } from './group.ts'
import { hasOffsets } from './group-offsets.ts'
import { look } from './look.ts'
import { entomb, offsetRows } from './offset-rows.ts'
import { decodeSubscription } from './protocol.ts'

const attemptsMax = 8
const offsetsAtOnce = 16

/**
 * Deletes a group and all it has committed. Sent again after a failure, it finishes what was begun.
 * @throws KafkaError NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND; StoreError
 */
export async function deleteGroup(core: Core, name: string): Promise<void> {
  await look(core, name)
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const group = await readGroup(core, name)
    if (group.state !== 'empty') throw nonEmpty(name)
    if (isNobodys(group) && !(await hasOffsets(core, name))) throw notFound(name)
    // First the generation: from here on, nobody who was in the group can do anything to it.
    const { generation } = group
    const gone = { ...newGroup, generation: generation + 1, changedMs: core.clock.now() }
    if (!(await changeGroup(core, name, group, gone))) continue
    for await (const rows of offsetRows(core, name)) {
      const live = rows.filter(({ offset }) => offset !== undefined)
      await inParallel(offsetsAtOnce, live, (row) => entomb(core, name, row, outsiderFence(generation) + 1))
    }
    return
  }
  throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS', `The group ${name} is changing all the time: try again.`)
}

export type DeletedOffset = {
  readonly topic: string
  readonly partition: number
  /** GROUP_SUBSCRIBED_TO_TOPIC or UNKNOWN_TOPIC_OR_PARTITION; nothing was deleted then. What was never committed is no error. */
  readonly error?: KafkaError
}

/**
 * Deletes offsets, each alone (Kafka's OffsetDelete). Those of topics that a member subscribes to stay.
 * @throws KafkaError GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP where the members' protocol is not the consumers'; StoreError
 */
export async function deleteOffsets(
  core: Core,
  name: string,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
): Promise<DeletedOffset[]> {
  await look(core, name)
  const group = await readGroup(core, name)
  const subscribed = await subscribedTopics(core, name)
  const fence = fenceForDeletion(group)
  const topics = new Map(
    await inParallel(offsetsAtOnce, [...new Set(partitions.map(({ topic }) => topic))], async (topic) => {
      return [topic, await findTopic(core, topic)] as const
    }),
  )
  return inParallel(offsetsAtOnce, partitions, async ({ topic, partition }): Promise<DeletedOffset> => {
    const found = topics.get(topic)
    if (!found || partition < 0 || partition >= found.partitions) {
      const error = new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `There is no partition ${topic}-${partition}.`)
      return { topic, partition, error }
    }
    if (subscribed === 'unknown' || subscribed.has(topic)) {
      const error = new KafkaError('GROUP_SUBSCRIBED_TO_TOPIC', `A member of ${name} is subscribed to ${topic}.`)
      return { topic, partition, error }
    }
    await entomb(core, name, { topicId: found.id, partition }, fence)
    return { topic, partition }
  })
}

/** Above every generation before this one; in a group that lives, its members go on committing. */
const fenceForDeletion = ({ state, generation }: Group): number =>
  state === 'empty' ? outsiderFence(generation) : memberFence(generation, { replaced: { times: 0, generation } })

/** Topics of all members; `unknown` while a rebalance keeps them from telling: then none may be touched. */
async function subscribedTopics(core: Core, name: string): Promise<ReadonlySet<string> | 'unknown'> {
  const { state, protocolType, members } = await describeGroup(core, name)
  if (state === 'Empty') return new Set()
  if (protocolType !== 'consumer') throw nonEmpty(name)
  if (state !== 'Stable') return 'unknown'
  return new Set(members.flatMap(({ metadata }) => decodeSubscription(metadata).topics))
}

const nonEmpty = (name: string): KafkaError => new KafkaError('NON_EMPTY_GROUP', `The group ${name} is not empty.`)
