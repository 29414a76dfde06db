/** Members of a group through Kafka's port: each asks for the coordinator, and again where it is told that another one is. */
import { decodeAssignment } from '../../src/groups/protocol.ts'
import type { OwnedPartition, SyncReply } from '../../src/groups/sync.ts'
import type { ApiName } from '../../src/protocol/apis.ts'
import { type ErrorName, KafkaError } from '../../src/protocol/errors.ts'
import { StoreError } from '../../src/store/errors.ts'
import { type Answer, type Client, pause } from '../client.ts'
import type { GroupDoor } from '../group-door.ts'
import type { Answered, Asking, KafkaClient } from './client.ts'
import { isError } from './client.ts'
import { fetchOnce } from './consumers.ts'

/** What a member may be told; anything else is nothing that it should ever hear. */
const due: readonly ErrorName[] = [
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
]
const joinVersions = [5, 9] as const
/** How long a member looks for its coordinator before it says that nobody answers. */
const seekMs = 20_000

export function groupsByKafka(kafkaOf: (client: Client) => KafkaClient): GroupDoor {
  const coordinators = new Map<string, string>()

  /** What the coordinator answered; where none was found, or it said nothing, silence. */
  async function call<Name extends ApiName>(
    kafka: KafkaClient,
    group: string,
    name: Name,
    request: Parameters<typeof kafka.ask<Name>>[2],
    errorIn: (value: Answered<Name>['value']) => number,
    asking: Asking = {},
  ): Promise<Answer<Answered<Name>['value']>> {
    const { world, chance, name: who } = kafka.client
    const untilMs = world.time.now() + seekMs
    while (world.time.now() < untilMs) {
      const host = coordinators.get(who) ?? (await find(kafka, group))
      if (host !== undefined) {
        coordinators.set(who, host)
        const answer = await kafka.ask(host, name, request, asking)
        const isLost = typeof answer === 'string'
        if (isLost) coordinators.delete(who)
        if (isLost) return { silence: true }
        const code = errorIn(answer.value)
        if (code === 0) return { value: answer.value }
        if (!isError(code, 'NOT_COORDINATOR')) return { error: errorOf(code) }
        coordinators.delete(who)
      }
      await pause(world.time, chance.between(20, 400))
    }
    return { silence: true }
  }

  return {
    async join(client, request, waitMs) {
      const { group, memberId, instanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, protocols } = request
      const asked = {
        groupId: group,
        memberId,
        groupInstanceId: instanceId ?? null,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
      }
      let pending: string | undefined
      const answer = await call(
        kafkaOf(client),
        group,
        'joinGroup',
        { ...asked, protocolType, protocols },
        ({ errorCode, memberId: given }) => {
          if (!isError(errorCode, 'MEMBER_ID_REQUIRED')) return errorCode
          pending = given
          return 0
        },
        { version: client.chance.pick(joinVersions), waitMsMax: waitMs, patienceMs: waitMs + 10_000 },
      )
      if (!('value' in answer)) return answer
      if (pending !== undefined) return { value: { pending: { memberId: pending } } }
      const { value } = answer
      const members = value.members.map((one) => ({
        memberId: one.memberId,
        metadata: one.metadata,
        ...(one.groupInstanceId === null ? {} : { instanceId: one.groupInstanceId }),
      }))
      const { leader, skipAssignment, protocolName } = value
      const rest = {
        protocolType: value.protocolType ?? protocolType,
        protocol: protocolName ?? '',
        leader,
        skipAssignment,
      }
      return { value: { joined: { generation: value.generationId, memberId: value.memberId, members, ...rest } } }
    },
    async sync(client, request, waitMs): Promise<Answer<SyncReply | 'pending'>> {
      const { group, memberId, instanceId, generation, assignments } = request
      const kafka = kafkaOf(client)
      const asked = { groupId: group, memberId, groupInstanceId: instanceId ?? null, generationId: generation }
      const names = { protocolType: null, protocolName: null }
      const answer = await call(
        kafka,
        group,
        'syncGroup',
        { ...asked, ...names, assignments: [...assignments] },
        codeIn,
        {
          version: 4,
          waitMsMax: waitMs,
          patienceMs: waitMs + 10_000,
        },
      )
      if (!('value' in answer)) return answer
      const { assignment } = answer.value
      const given = assignment.length === 0 ? [] : decodeAssignment(assignment).partitions
      const partitions = given.flatMap((one) => [...one.partitions])
      const owned = await committed(kafka, group, partitions)
      return owned ? { value: { protocolType: 'consumer', protocol: '', assignment, owned } } : { silence: true }
    },
    async heartbeat(client, { group, memberId, instanceId, generation }) {
      const asked = { groupId: group, memberId, groupInstanceId: instanceId ?? null, generationId: generation }
      const answer = await call(kafkaOf(client), group, 'heartbeat', asked, codeIn)
      return 'value' in answer ? { value: undefined } : answer
    },
    async leave(client, group, { memberId, instanceId }) {
      const members = [{ memberId, groupInstanceId: instanceId ?? null }]
      const answer = await call(kafkaOf(client), group, 'leaveGroup', { groupId: group, memberId: '', members }, codeIn)
      return 'value' in answer && answer.value.members[0]?.errorCode === 0
    },
    async commit(client, group, { topicId: _, partition, offset }, { memberId, instanceId, generation }) {
      const partitions = [{ partitionIndex: partition, committedOffset: offset, committedMetadata: null }]
      const who = { memberId, groupInstanceId: instanceId ?? null, generationIdOrMemberEpoch: generation }
      const request = { groupId: group, ...who, topics: [{ name: client.world.topic, partitions }] }
      const answer = await call(kafkaOf(client), group, 'offsetCommit', request, (value) => {
        const [one] = value.topics[0]?.partitions ?? []
        if (!one) throw new Error('a commit was not answered for its partition')
        return one.errorCode
      })
      return 'value' in answer ? { value: undefined } : answer
    },
    read: (client, partition, from) => fetchOnce(kafkaOf(client), partition, from),
  }

  /** Where the group stands in what a member was given; undefined where nobody tells. */
  async function committed(
    kafka: KafkaClient,
    group: string,
    partitions: readonly number[],
  ): Promise<OwnedPartition[] | undefined> {
    const { topic, topicId } = kafka.client.world
    if (partitions.length === 0) return []
    const request = { groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: [...partitions] }] }] }
    for (let tries = 0; tries < 5; tries++) {
      const errorIn = (value: Answered<'offsetFetch'>['value']) =>
        value.groups[0]?.errorCode ||
        (value.groups[0]?.topics[0]?.partitions.find((one) => one.errorCode !== 0)?.errorCode ?? 0)
      const answer = await call(kafka, group, 'offsetFetch', request, errorIn)
      if (!('value' in answer)) continue
      const told = answer.value.groups[0]?.topics[0]?.partitions ?? []
      return partitions.map((partition) => {
        const offset = told.find((one) => one.partitionIndex === partition)?.committedOffset ?? -1
        const where = { topic, topicId, partition }
        return offset < 0 ? where : { ...where, committed: { offset, metadata: '', leaderEpoch: -1, committedMs: 0 } }
      })
    }
    return undefined
  }

  async function find(kafka: KafkaClient, group: string): Promise<string | undefined> {
    const host = kafka.brokers.anyHost()
    if (host === undefined) return undefined
    const request = { keyType: 0, coordinatorKeys: [group] }
    const answer = await kafka.ask(host, 'findCoordinator', request, { patienceMs: 3_000 })
    if (typeof answer === 'string') return undefined
    const [one] = answer.value.coordinators
    return one?.errorCode === 0 ? one.host : undefined
  }
}

const codeIn = ({ errorCode }: { readonly errorCode: number }): number => errorCode

/** Answers that the next call may do away with. */
const later = [
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'UNKNOWN_TOPIC_OR_PARTITION',
] as const

function errorOf(code: number): KafkaError | StoreError {
  if (isError(code, ...later)) {
    return new StoreError('unavailable', 'the coordinator cannot be asked now')
  }
  const name = due.find((one) => isError(code, one))
  if (name === undefined) throw new Error(`a member was answered ${code}`)
  return new KafkaError(name, 'as the coordinator says')
}
