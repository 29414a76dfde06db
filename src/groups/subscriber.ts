/**
 * A consumer whose group membership lives on this side of the wire: it joins, assigns where it is the leader, and syncs. Written
 * for callers that may be cut off at any time: whatever is pending can be asked again with what was returned.
 */
import { findTopic } from '../log/topics.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { encodeStickyUserData } from './assignors/sticky-user-data.ts'
import { assignors } from './assignors.ts'
import { type JoinReply, type JoinRequest, joinGroup, MemberIdRequired, type Waiting } from './join.ts'
import { decodeSubscription, encodeAssignment, encodeSubscription, type TopicPartitions } from './protocol.ts'
import { type OwnedPartition, type SyncReply, syncGroup } from './sync.ts'

export type Strategy = keyof typeof assignors

export type Subscriber = {
  readonly group: string
  /** '' of one that has none yet. */
  readonly memberId: string
  readonly clientId: string
  readonly clientHost: string
  readonly sessionMs: number
  readonly rebalanceMs: number
  /** As the group shall prefer them. */
  readonly strategies: readonly Strategy[]
  readonly topics: readonly string[]
  /** What it had in `generation`; -1: nothing. */
  readonly owned: readonly TopicPartitions[]
  readonly generation: number
}

/** What a member has in a generation. */
export type Seat = {
  readonly generation: number
  readonly partitions: readonly OwnedPartition[]
  /** All topics that its assignment, as leader, rests on. */
  readonly assignedFrom: readonly string[]
}

/** `joined`: the generation it is counted in, which only lacks its assignment; -1: none. */
export type Progress = { readonly seat: Seat } | { readonly pending: { readonly joined: number } }

/** A member id to join with. It is in no generation until it does; one that is never used is forgotten with its session. */
export async function newMemberId(core: Core, subscriber: Subscriber): Promise<string> {
  const asked = { ...joinRequest(subscriber), memberId: '', requireKnownMemberId: true }
  try {
    const answer = await joinGroup(core, asked, { untilUptimeMs: core.clock.uptime() })
    return 'joined' in answer ? answer.joined.memberId : answer.pending.memberId
  } catch (error) {
    if (error instanceof MemberIdRequired) return error.memberId
    throw error
  }
}

/**
 * Joins and syncs, for as long as may be waited. `joined`: a generation that an earlier call was counted in.
 * @throws KafkaError UNKNOWN_MEMBER_ID and others of joinGroup; StoreError
 */
export async function takeSeat(
  core: Core,
  subscriber: Subscriber,
  joined: number,
  waiting: Waiting,
): Promise<Progress> {
  if (joined >= 0) {
    const synced = await syncOrRejoin(core, subscriber, joined, [], waiting)
    if (synced === 'pending') return { pending: { joined } }
    if (synced) return { seat: { generation: joined, partitions: synced.owned, assignedFrom: [] } }
  }
  for (;;) {
    const answer = await joinGroup(core, joinRequest(subscriber), waiting)
    if ('pending' in answer) return { pending: { joined: -1 } }
    const { generation, leader, memberId, skipAssignment } = answer.joined
    const leads = leader === memberId && !skipAssignment
    const { assignments, topics } = leads ? await assign(core, answer.joined) : { assignments: [], topics: [] }
    const synced = await syncOrRejoin(core, subscriber, generation, assignments, waiting)
    // A leader has to assign again: coming back with an empty plan would be one.
    if (synced === 'pending') return { pending: { joined: leads ? -1 : generation } }
    if (synced) return { seat: { generation, partitions: synced.owned, assignedFrom: topics } }
    if (waiting.signal?.aborted || core.clock.uptime() >= waiting.untilUptimeMs) return { pending: { joined: -1 } }
  }
}

const joinRequest = (subscriber: Subscriber): JoinRequest => {
  const { group, memberId, clientId, clientHost, sessionMs, rebalanceMs, strategies, ...said } = subscriber
  const subscription = { topics: said.topics, owned: said.owned, generation: said.generation }
  const metadata = encodeSubscription(subscription)
  // Java's sticky assignor believes only this.
  const stickyMetadata = encodeSubscription({ ...subscription, userData: encodeStickyUserData(said) })
  return {
    group,
    memberId,
    clientId,
    clientHost,
    sessionTimeoutMs: sessionMs,
    rebalanceTimeoutMs: rebalanceMs,
    protocolType: 'consumer',
    protocols: strategies.map((name) => ({ name, metadata: name === 'sticky' ? stickyMetadata : metadata })),
  }
}

type Assignments = readonly { readonly memberId: string; readonly assignment: Uint8Array }[]

/** `undefined`: the group has gone on, and the member has to join again. */
async function syncOrRejoin(
  core: Core,
  { group, memberId }: Subscriber,
  generation: number,
  assignments: Assignments,
  waiting: Waiting,
): Promise<SyncReply | 'pending' | undefined> {
  try {
    return await syncGroup(core, { group, memberId, generation, assignments }, waiting)
  } catch (error) {
    if (error instanceof KafkaError && goneOn.includes(error.error)) return undefined
    throw error
  }
}

const goneOn: readonly string[] = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION']

async function assign(
  core: Core,
  { protocol, members }: JoinReply,
): Promise<{ assignments: Assignments; topics: string[] }> {
  const described = members.map(({ memberId, instanceId, metadata }) => {
    const { topics, owned, generation, userData } = decodeSubscription(metadata)
    return {
      memberId,
      ...(instanceId === undefined ? {} : { instanceId }),
      topics: [...topics],
      owned: owned.map((entry) => ({ topic: entry.topic, partitions: [...entry.partitions] })),
      ownedGeneration: generation,
      ...(userData ? { userData } : {}),
    }
  })
  const topics = [...new Set(described.flatMap((member) => member.topics))].sort()
  const plan = assignorNamed(protocol)(described, await partitionCounts(core, topics))
  const assignments = members.map(({ memberId }) => {
    const byTopic = new Map<string, number[]>()
    for (const { topic, partition } of plan.get(memberId) ?? []) {
      byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
    }
    const partitions = Array.from(byTopic, ([topic, numbers]) => ({ topic, partitions: numbers }))
    return { memberId, assignment: encodeAssignment({ partitions }) }
  })
  return { assignments, topics }
}

function assignorNamed(protocol: string) {
  const assignor = Object.entries(assignors).find(([name]) => name === protocol)?.[1]
  if (assignor) return assignor
  throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', `no assignor is called ${protocol}`)
}

const topicsAtOnce = 16

/** How many partitions each of the topics has now; those that do not exist are left out. */
export async function partitionCounts(core: Core, names: readonly string[]): Promise<Map<string, number>> {
  const found = await inParallel(topicsAtOnce, names, (name) => findTopic(core, name))
  return new Map(found.flatMap((topic) => (topic ? [[topic.name, topic.partitions] as const] : [])))
}
