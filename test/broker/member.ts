import { assignors } from '../../src/groups/assignors.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/groups/protocol.ts'
import { partitionCounts } from '../../src/groups/subscriber.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import type { Client, Door, Response } from './kit.ts'

export type Wishes = {
  readonly group?: string
  readonly instanceId?: string
  readonly topics?: readonly string[]
  /** What it says it has, as cooperative members do. */
  readonly owned?: readonly number[]
  readonly sessionTimeoutMs?: number
}

export type Member = Awaited<ReturnType<typeof newMember>>

/** A consumer of the classic protocol on a connection of its own. Where it leads it shares out by range. */
export async function newMember(door: Door, wishes: Wishes = {}) {
  const { group = 'g', instanceId = null, topics = ['t'], sessionTimeoutMs = 30_000 } = wishes
  const client: Client = await door.client()
  let owned = wishes.owned
  let memberId = ''
  let joined: Response<'joinGroup'> | undefined
  const subscription = () =>
    encodeSubscription({ topics, ...(owned ? { owned: [{ topic: 't', partitions: owned }], generation: 1 } : {}) })
  const reply = () => {
    if (!joined) throw new Error('this member has not joined')
    return joined
  }
  const who = () => ({ groupId: group, generationId: reply().generationId, memberId, groupInstanceId: instanceId })
  const joinOnce = async (version?: number) => {
    joined = await client.call(
      'joinGroup',
      {
        groupId: group,
        sessionTimeoutMs,
        rebalanceTimeoutMs: 60_000,
        memberId,
        groupInstanceId: instanceId,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: subscription() }],
      },
      version,
    )
    memberId = joined.memberId
    return joined
  }
  const self = {
    client,
    get memberId() {
      return memberId
    },
    get reply() {
      return reply()
    },
    set owned(partitions: readonly number[]) {
      owned = partitions
    },
    /** Joins, with the member id it is told of. */
    async join(version?: number) {
      const first = await joinOnce(version)
      return first.errorCode === code('MEMBER_ID_REQUIRED') ? joinOnce(version) : first
    },
    joinOnce,
    /** The partitions of `t` it was given; `undefined` where the group has gone on to another round. */
    async syncOnce(): Promise<number[] | undefined> {
      const { leader, protocolType, protocolName } = reply()
      const assignments = leader === memberId ? await shareOut() : []
      const { errorCode, assignment } = await client.call('syncGroup', {
        ...who(),
        protocolType,
        protocolName,
        assignments,
      })
      if (errorCode === code('REBALANCE_IN_PROGRESS') || errorCode === code('ILLEGAL_GENERATION')) return undefined
      if (errorCode !== 0) throw new Error(`sync: ${errorCode}`)
      return decodeAssignment(assignment).partitions.flatMap(({ partitions }) => [...partitions])
    },
    async sync(): Promise<number[]> {
      const given = await self.syncOnce()
      if (!given) throw new Error('sync: the group has gone on')
      return given
    },
    beat: async () => (await client.call('heartbeat', who())).errorCode,
    /** The error of a commit on a partition of `t`. */
    async commit(partitionIndex: number, committedOffset: number) {
      const { topics: answers } = await client.call('offsetCommit', {
        groupId: group,
        generationIdOrMemberEpoch: reply().generationId,
        memberId,
        groupInstanceId: instanceId,
        topics: [{ name: 't', partitions: [{ partitionIndex, committedOffset, committedMetadata: null }] }],
      })
      return answers[0]?.partitions[0]?.errorCode
    },
    async leave() {
      const members = [{ memberId, groupInstanceId: instanceId }]
      return (await client.call('leaveGroup', { groupId: group, members })).members[0]?.errorCode
    },
  }
  return self

  async function shareOut() {
    const members = reply().members.map((one) => {
      const { topics: asked, owned: has, generation } = decodeSubscription(one.metadata)
      return { memberId: one.memberId, topics: asked, owned: has, ownedGeneration: generation }
    })
    const counts = await partitionCounts(door.core, [...topics])
    return [...assignors.range(members, counts)].map(([id, partitions]) => ({
      memberId: id,
      assignment: encodeAssignment({
        partitions: partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] })),
      }),
    }))
  }
}

export const code = (name: ConstructorParameters<typeof KafkaError>[0]): number => new KafkaError(name, '').code

/**
 * All join and sync until they are in one generation: what each was given. Whoever comes too late for a round makes another one,
 * which the others learn of by their heartbeats.
 */
export async function settle(...members: readonly Member[]): Promise<number[][]> {
  const settled = new Map<Member, { readonly generation: number; readonly given: number[] }>()
  const areTogether = () =>
    settled.size === members.length && new Set([...settled.values()].map(({ generation }) => generation)).size === 1
  const join = async (member: Member) => {
    do {
      settled.delete(member)
      const { errorCode, generationId } = await member.join()
      if (errorCode !== 0) throw new Error(`join: ${errorCode}`)
      const given = await member.syncOnce()
      if (!given) continue
      settled.set(member, { generation: generationId, given })
      while (!areTogether() && (await member.beat()) === 0);
    } while (!areTogether())
  }
  await Promise.all(members.map(join))
  return members.map((member) => settled.get(member)?.given ?? [])
}

/** What a group has committed on partitions of `t`. */
export async function committed(client: Client, partitionIndexes: readonly number[], groupId = 'g') {
  const { groups } = await client.call('offsetFetch', {
    groups: [{ groupId, topics: [{ name: 't', partitionIndexes }] }],
  })
  return groups[0]?.topics[0]?.partitions.map(({ committedOffset }) => committedOffset)
}
