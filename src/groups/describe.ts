/** What there is of groups, for those who look from outside: which there are, in which state, with which members. */
import { groupKey, memberKey } from '../log/keys.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { limits } from '../store/limits.ts'
import { type Group, groupIn, readGroup, settled } from './group.ts'
import { hasOffsets } from './group-offsets.ts'
import { readMembers } from './look.ts'
import { type Member, memberIn } from './member.ts'
import { groupNames } from './names.ts'
import { readPlan } from './plan.ts'
import { decodeAssignment } from './protocol.ts'

/** Kafka's own words. Dead: there is no such group. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

export type GroupListing = {
  readonly group: string
  readonly state: GroupState
  /** '' of a group that never had members: simple consumers only commit. */
  readonly protocolType: string
  /** The assignor that the members agreed on; '' while there is none. */
  readonly protocol: string
}

export type MemberDescription = {
  readonly memberId: string
  readonly instanceId?: string
  readonly clientId: string
  readonly clientHost: string
  /** What it said of the chosen protocol: of consumers, their subscription. */
  readonly metadata: Uint8Array
  readonly assignment: Uint8Array
}

export type GroupDescription = GroupListing & {
  readonly generation: number
  /** In order of member ids. */
  readonly members: readonly MemberDescription[]
}

const itemsAtOnce = 8

/** All groups, in order of names. 16 queries, and a read of a hundred groups at a time. @throws StoreError */
export async function listGroups(core: Core): Promise<GroupListing[]> {
  const names = await groupNames(core)
  const pages = Array.from({ length: Math.ceil(names.length / limits.batchGetKeys) }, (_, page) =>
    names.slice(page * limits.batchGetKeys, (page + 1) * limits.batchGetKeys),
  )
  const listed = await inParallel(itemsAtOnce, pages, async (page) => {
    const items = await settled(core, () => core.items.batchGet(page.map(groupKey)))
    return inParallel(itemsAtOnce, page, (name, at) => listing(core, name, groupIn(name, items[at])))
  })
  // A name outlives its group for a while.
  return listed.flat().filter(({ state }) => state !== 'Dead')
}

/** The group's state; `Dead` where there is no such group. @throws StoreError */
export async function stateOf(core: Core, name: string): Promise<GroupState> {
  return (await listing(core, name, await readGroup(core, name))).state
}

async function listing(core: Core, name: string, group: Group): Promise<GroupListing> {
  const { protocolType, protocol } = group
  const gone = isNobodys(group) && !(await hasOffsets(core, name))
  const state = gone ? 'Dead' : states[group.state]
  return { group: name, state, protocolType, protocol: group.state === 'stable' ? protocol : '' }
}

/** Nobody is in it and nobody ever was, or not since it was deleted: what makes it a group, if anything, is what it has committed. */
export const isNobodys = ({ state, protocolType }: Group): boolean => state === 'empty' && protocolType === ''

const states = {
  empty: 'Empty',
  preparing: 'PreparingRebalance',
  completing: 'CompletingRebalance',
  stable: 'Stable',
} as const satisfies Record<Group['state'], GroupState>

const readsMax = 3

/**
 * The group and who is in it. As in Kafka, what members said and were assigned is told of a stable group only.
 * Members that died unseen are in it until somebody finds out.
 * @throws KafkaError GROUP_ID_NOT_FOUND; StoreError
 */
export async function describeGroup(core: Core, name: string): Promise<GroupDescription> {
  for (let read = 1; ; read++) {
    const group = await readGroup(core, name)
    const told = await listing(core, name, group)
    if (told.state === 'Dead') throw notFound(name)
    const members =
      group.state === 'stable' ? await settledMembers(core, name, group) : await anyMembers(core, name, group)
    // A plan may be swept away while it is read, by whoever made the next.
    const now = group.state === 'stable' && read < readsMax ? await readGroup(core, name) : group
    if (now.generation !== group.generation || now.state !== group.state) continue
    members.sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
    return { ...told, generation: group.generation, members }
  }
}

export const notFound = (name: string): KafkaError =>
  new KafkaError('GROUP_ID_NOT_FOUND', `The group ${name} is not found.`)

async function settledMembers(core: Core, name: string, group: Group): Promise<MemberDescription[]> {
  const plan = await readPlan(core, name, group)
  const pages = Array.from({ length: Math.ceil(plan.length / limits.batchGetKeys) }, (_, page) =>
    plan.slice(page * limits.batchGetKeys, (page + 1) * limits.batchGetKeys),
  )
  const described = await inParallel(itemsAtOnce, pages, async (page) => {
    const items = await settled(core, () => core.items.batchGet(page.map(({ slot }) => memberKey(name, slot))))
    return page.flatMap(({ slot, assignment }, at) => {
      const member = memberIn(slot, items[at])
      if (!member) return []
      const metadata = member.protocols.find((one) => one.name === group.protocol)?.metadata ?? new Uint8Array()
      return [{ ...identityOf(member), metadata, assignment }]
    })
  })
  return described.flat()
}

/** Who has joined, or is joining, a group that is not settled. */
async function anyMembers(core: Core, name: string, group: Group): Promise<MemberDescription[]> {
  if (group.state === 'empty') return []
  return (await readMembers(core, name))
    .filter(({ joins }) => joins > 0)
    .map((member) => ({ ...identityOf(member), metadata: new Uint8Array(), assignment: new Uint8Array() }))
}

const identityOf = ({ memberId, instanceId, clientId, clientHost }: Member) => ({
  memberId,
  ...(instanceId === undefined ? {} : { instanceId }),
  clientId,
  clientHost,
})

/** The partitions in a member's assignment, by topic and partition; none where the bytes are not a consumer's. */
export function assignedPartitions(member: MemberDescription): { topic: string; partition: number }[] {
  try {
    return decodeAssignment(member.assignment)
      .partitions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
      .sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
  } catch {
    // Other protocol types (connect, …) write what they like.
    return []
  }
}

/** Who owns a partition, as a function of it. */
export function ownersIn(
  description: GroupDescription,
): (topic: string, partition: number) => MemberDescription | undefined {
  const owners = new Map(
    description.members.flatMap((member) =>
      assignedPartitions(member).map(({ topic, partition }) => [`${topic}/${partition}`, member] as const),
    ),
  )
  return (topic, partition) => owners.get(`${topic}/${partition}`)
}
