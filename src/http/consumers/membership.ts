/** The instance as a member of its group: joining, and joining again where something has changed. */
import type { Waiting } from '../../groups/join.ts'
import { leaveGroup } from '../../groups/leave.ts'
import type { TopicPartitions } from '../../groups/protocol.ts'
import { newMemberId, type Seat, type Subscriber, takeSeat } from '../../groups/subscriber.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Core } from '../../runtime/core.ts'
import { StoreError } from '../../store/errors.ts'
import type { Access } from '../access.ts'
import { autoCommit } from './committing.ts'
import { saveInstance } from './instance.ts'
import {
  type AssignedPartition,
  strategies as defaultStrategies,
  type Instance,
  type InstanceState,
} from './instance-item.ts'
import { isReadable } from './readable.ts'
import { compareEveryMs, isMember } from './standing.ts'
import { seenNow, subscribedTopics } from './subscribed-topics.ts'

/** Compares the topics once a minute, and where the caller may not read one; where they have changed the instance has to rejoin. */
export async function compareTopics(core: Core, access: Access, instance: Instance): Promise<Instance> {
  if (!isMember(instance)) return instance
  const isFresh = core.clock.now() - instance.comparedMs < compareEveryMs
  if (isFresh && (await isReadable(access, instance))) return instance
  const comparedMs = core.clock.now()
  const seen = await seenNow(core, await subscribedTopics(core, access, instance), instance.watch)
  return { ...instance, comparedMs, rejoin: instance.rejoin || seen !== instance.seen }
}

/** How often a join begins anew within one poll: another call changed the instance, or its member was gone. */
const attemptsMax = 5

/**
 * Joins, and brings the instance to the generation that forms: the member's partitions, with their positions, are saved.
 * `seated: false`: that was not to be had in time, or the subscription has ended; the next poll goes on from there.
 */
export async function join(
  core: Core,
  access: Access,
  asked: Instance,
  waiting: Waiting,
): Promise<{ instance: Instance; seated: boolean }> {
  let instance = await autoCommit(core, asked)
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    if (!instance.subscription) return { instance, seated: false }
    const topics = await subscribedTopics(core, access, instance)
    const subscriber = subscriberOf(instance, topics)
    if (instance.memberId === '') {
      instance = await saved(core, instance, { memberId: await newMemberId(core, subscriber) })
      continue
    }
    const seen = await seenNow(core, topics, [])
    try {
      const progress = await takeSeat(core, subscriber, instance.synced, waiting)
      if ('pending' in progress)
        return { instance: await savePending(core, instance, progress.pending.joined), seated: false }
      const outcome = await saveInstance(core, instance, await seatedIn(core, instance, progress.seat, topics, seen))
      if ('saved' in outcome) return { instance: outcome.saved, seated: true }
      instance = outcome.lost
      // A rival poll of this instance was faster: what it saved is as good.
      if (instance.generation === progress.seat.generation && !instance.rejoin) return { instance, seated: true }
    } catch (error) {
      if (!(error instanceof KafkaError && error.error === 'UNKNOWN_MEMBER_ID')) throw error
      instance = await saved(core, instance, nobody(instance))
    }
  }
  return { instance, seated: false }
}

/** No longer a member: what it owned, others may have moved on; it begins again from what is committed. */
export const nobody = ({ epoch }: Instance) => ({
  memberId: '',
  generation: -1,
  synced: -1,
  rejoin: false,
  assigned: [],
  watch: [],
  epoch: epoch + 1,
})

/** Saved, or what a rival call has made of the instance. */
async function saved(core: Core, instance: Instance, change: Parameters<typeof saveInstance>[2]): Promise<Instance> {
  const outcome = await saveInstance(core, instance, change)
  return 'saved' in outcome ? outcome.saved : outcome.lost
}

async function savePending(core: Core, instance: Instance, joined: number): Promise<Instance> {
  if (instance.synced === joined && instance.rejoin) return instance
  const { assigned, commitMs } = instance
  return saved(core, instance, { synced: joined, rejoin: true, assigned, commitMs })
}

async function seatedIn(
  core: Core,
  instance: Instance,
  seat: Seat,
  topics: readonly string[],
  seen: string,
): Promise<Partial<InstanceState>> {
  const nowMs = core.clock.now()
  const others = seat.assignedFrom.filter((topic) => !topics.includes(topic))
  return {
    generation: seat.generation,
    synced: -1,
    rejoin: false,
    assigned: ownedNow(instance, seat),
    epoch: instance.epoch + 1,
    commitMs: instance.commitMs || nowMs,
    beatMs: nowMs,
    comparedMs: nowMs,
    seen: others.length === 0 ? seen : await seenNow(core, topics, others),
    watch: others,
  }
}

/**
 * The partitions of a generation, each where the group's commits say. What the member had in the generation just before, nobody
 * else had in between: it stays where it is, and nothing of it is handed out twice.
 */
function ownedNow(instance: Instance, { generation, partitions }: Seat): AssignedPartition[] {
  const kept = instance.generation === generation - 1 ? instance.assigned : []
  const before = new Map(kept.map((entry) => [`${entry.topicId}/${entry.partition}`, entry.position]))
  return partitions.map(({ topic, topicId, partition, committed }) => {
    const offset = committed?.offset ?? null
    return { topic, topicId, partition, position: before.get(`${topicId}/${partition}`) ?? offset, committed: offset }
  })
}

function subscriberOf(instance: Instance, topics: readonly string[]): Subscriber {
  const { group, name, memberId, sessionMs, rebalanceMs, strategies, generation } = instance
  const owned = new Map<string, number[]>()
  for (const { topic, partition } of generation >= 0 ? instance.assigned : []) {
    if (topics.includes(topic)) owned.set(topic, [...(owned.get(topic) ?? []), partition])
  }
  return {
    group,
    memberId,
    clientId: name,
    clientHost: 'rest',
    sessionMs,
    rebalanceMs,
    strategies: strategies.length > 0 ? strategies : defaultStrategies,
    topics,
    owned: Array.from(owned, ([topic, partitions]): TopicPartitions => ({ topic, partitions })),
    generation,
  }
}

/** Gives the member's partitions back at once. Where that fails its silence will. */
export async function leave(core: Core, { group, memberId }: Instance): Promise<void> {
  if (memberId === '') return
  try {
    await leaveGroup(core, group, [{ memberId }])
  } catch (error) {
    if (error instanceof StoreError || error instanceof KafkaError) return
    throw error
  }
}
