import { heartbeat, lookAfter } from '../../src/groups/heartbeat.ts'
import { type JoinReply, type JoinRequest, joinGroup } from '../../src/groups/join.ts'
import { leaveGroup } from '../../src/groups/leave.ts'
import { commitOffsets, fetchOffsets } from '../../src/groups/offsets.ts'
import { decodeAssignment, encodeAssignment, encodeSubscription } from '../../src/groups/protocol.ts'
import { type SyncReply, syncGroup } from '../../src/groups/sync.ts'
import { createTopic } from '../../src/log/topics.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import type { Core } from '../../src/runtime/core.ts'
import type { Settings } from '../../src/runtime/settings.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import type { ItemStore } from '../../src/store/items.ts'
import { coreOver } from '../log/core.ts'
import { virtualTime } from './time.ts'

export const group = 'readers'
export const sessionMs = 10_000
const waitMs = 120_000

/** Stores, virtual time, and as many servers over them as a test asks for. */
export function newWorld(settings: Partial<Settings> = {}) {
  const time = virtualTime()
  const stores = memoryStores(time.clock.now)
  const server = (items: ItemStore = stores.items): Core => ({
    ...coreOver({ items, objects: stores.objects }, settings),
    clock: time.clock,
  })
  return { ...time, stores, server }
}

export type Wishes = Partial<JoinRequest> & { readonly topics?: readonly string[] }

/** A consumer as Kafka's clients are: it joins, assigns where it leads, syncs, and knows what it was told. */
export function newConsumer(core: Core, wishes: Wishes = {}) {
  const { topics = ['news'], ...rest } = wishes
  const subscription = encodeSubscription({ topics: [...topics] })
  let request: JoinRequest = {
    group,
    memberId: '',
    clientId: 'c',
    clientHost: '/127.0.0.1',
    sessionTimeoutMs: sessionMs,
    rebalanceTimeoutMs: 60_000,
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription }],
    ...rest,
  }
  let joined: JoinReply | undefined
  let synced: SyncReply | undefined
  const who = () => ({
    group: request.group,
    memberId: request.memberId,
    generation: joined?.generation ?? -1,
    ...(request.instanceId !== undefined && { instanceId: request.instanceId }),
  })
  const waiting = (ms = waitMs) => ({ untilUptimeMs: core.clock.uptime() + ms })
  return {
    core,
    get memberId() {
      return request.memberId
    },
    get reply() {
      if (!joined) throw new Error('this consumer has not joined')
      return joined
    },
    get generation() {
      return joined?.generation ?? -1
    },
    /** `news/0 news/1`: what it was assigned. */
    get assigned() {
      return synced ? partitionsOf(synced.assignment).join(' ') : ''
    },
    get owned() {
      return synced?.owned ?? []
    },
    async join(changes: Partial<JoinRequest> = {}, forMs = waitMs): Promise<JoinReply> {
      request = { ...request, ...changes }
      for (;;) {
        const answer = await joinGroup(core, request, waiting(forMs))
        if ('joined' in answer) {
          joined = answer.joined
          request = { ...request, memberId: joined.memberId }
          return joined
        }
        request = { ...request, memberId: answer.pending.memberId }
      }
    },
    /** One call, which may end in `pending`. */
    async joinFor(ms: number) {
      const answer = await joinGroup(core, request, waiting(ms))
      if ('pending' in answer) request = { ...request, memberId: answer.pending.memberId }
      return answer
    },
    async sync(partitions = 4): Promise<SyncReply> {
      const assignments = joined && joined.members.length > 0 ? dealt(joined, partitions) : []
      for (;;) {
        const answer = await syncGroup(core, { ...who(), assignments }, waiting())
        if (answer === 'pending') continue
        synced = answer
        return answer
      }
    },
    /** Joins and syncs, as often as it is told that the group has gone on. */
    async settle(partitions = 4) {
      for (;;) {
        await this.join()
        const error = await errorOf(this.sync(partitions))
        if (error === 'none') return
        if (error !== 'REBALANCE_IN_PROGRESS' && error !== 'ILLEGAL_GENERATION') throw new Error(error)
      }
    },
    heartbeat: () => heartbeat(core, who()),
    look: () => lookAfter(core, who()),
    leave: () => leaveGroup(core, request.group, [who()]),
    commit: (topicId: string, partition: number, offset: number) =>
      commitOffsets(core, request.group, [{ topicId, partition, offset }], who()),
    who,
  }
}

export type Consumer = ReturnType<typeof newConsumer>

/** Lets a consumer live: it beats, and joins again when it is told to. Until it dies, without a word. */
export function living(consumer: Consumer, everyMs = 3_000, partitions = 4) {
  let isAlive = true
  const live = async () => {
    while (isAlive) {
      await consumer.core.clock.sleep(everyMs)
      if (!isAlive) return
      const error = await errorOf(consumer.heartbeat())
      if (error === 'none') continue
      if (error === 'UNKNOWN_MEMBER_ID') await consumer.join({ memberId: '' }).catch(() => {})
      await errorOf(consumer.settle(partitions))
    }
  }
  const life = live()
  return {
    life,
    die() {
      isAlive = false
    },
  }
}

/** Waits until something is so. */
export async function until(core: Core, isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await core.clock.sleep(100)
}

/** All partitions of `news`, dealt like cards to the members in the order of the join's answer. */
function dealt({ members }: JoinReply, partitions: number) {
  return members.map(({ memberId }, at) => {
    const mine = Array.from({ length: partitions }, (_, partition) => partition).filter(
      (partition) => partition % members.length === at,
    )
    return { memberId, assignment: encodeAssignment({ partitions: [{ topic: 'news', partitions: mine }] }) }
  })
}

export const partitionsOf = (assignment: Uint8Array): string[] =>
  assignment.length === 0
    ? []
    : decodeAssignment(assignment).partitions.flatMap(({ topic, partitions }) => partitions.map((p) => `${topic}/${p}`))

export const newsTopic = (core: Core, partitions = 4) => createTopic(core, { name: 'news', partitions })

/** All of them join and sync side by side. */
export async function settleAll(consumers: readonly Consumer[], partitions = 4): Promise<void> {
  await Promise.all(consumers.map((consumer) => consumer.settle(partitions)))
}

export const allAssigned = (consumers: readonly Consumer[]): string[] =>
  consumers.flatMap(({ assigned }) => (assigned === '' ? [] : assigned.split(' '))).sort()

/** The name of the error that a call ends with; `none` where it succeeds. */
export async function errorOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'none'
  } catch (error) {
    if (error instanceof KafkaError) return error.error
    throw error
  }
}

export const committed = async (core: Core, topicId: string, partition: number): Promise<number | undefined> =>
  (await fetchOffsets(core, group, [{ topicId, partition }]))[0]?.offset
