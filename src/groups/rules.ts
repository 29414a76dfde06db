/**
 * What Kafka's coordinator answers to a member, without stores: (group, member, what it says) → what to do. Sources: Apache
 * Kafka's GroupCoordinator, and the KIPs named at each rule.
 */
import type { ErrorName } from '../protocol/errors.ts'
import type { Group } from './group.ts'
import type { Member, Protocol } from './member.ts'

/** What a member says when it joins. */
export type Asked = {
  readonly slot: string
  /** Its own, or the one that was made for it just now. */
  readonly memberId: string
  /** The id was made just now: the group cannot know it. */
  readonly isNewId: boolean
  readonly protocolType: string
  readonly protocols: readonly Protocol[]
}

export type Refusal = { readonly refuse: ErrorName; readonly because: string }

export type JoinStep =
  /** `unlessDead`: members that are only not yet found dead may be the reason. */
  | (Refusal & { readonly unlessDead: boolean })
  /** Start a round: the others learn of it at their next heartbeat. */
  | { readonly step: 'open' }
  /** Put itself down for the open round, and be counted. */
  | { readonly step: 'enter'; readonly isNew: boolean }
  /** It is counted; the others are awaited. */
  | { readonly step: 'wait' }
  /** Take a slot over without a rebalance. */
  | { readonly step: 'take over' }
  /** It is in this generation already. */
  | { readonly step: 'answer' }

/** What a JoinGroup of this member does to the group as it is, or why it is refused. `maxSize`: members a group may have. */
export function joinStep(group: Group, member: Member | undefined, asked: Asked, maxSize: number): JoinStep {
  const stranger = asked.isNewId ? undefined : strangerIs(member, asked.memberId)
  if (stranger) return { ...stranger, unlessDead: false }
  if (!suits(group, asked)) return { ...inconsistent, unlessDead: true }
  // A member that only has an id does not count yet (KIP-394).
  const isNew = member === undefined || member.joins === 0
  if (isNew && sizeOf(group) >= maxSize) return { ...full, unlessDead: true }

  // A static member that comes back without its member id: another process takes its slot over (KIP-345).
  const takesOver = !isNew && asked.isNewId
  const saysTheSame = !isNew && sameProtocols(member, asked)
  switch (group.state) {
    case 'empty':
      return { step: 'open' }
    case 'preparing':
      return member?.joins === group.generation + 1 && saysTheSame && !takesOver
        ? { step: 'wait' }
        : { step: 'enter', isNew }
    case 'completing':
      return saysTheSame && !takesOver ? { step: 'answer' } : { step: 'open' }
    case 'stable':
      if (!saysTheSame) return { step: 'open' }
      if (takesOver) return { step: 'take over' }
      // A leader joins again because it wants to assign again: topics or partitions have changed.
      return asked.slot === group.leaderSlot ? { step: 'open' } : { step: 'answer' }
  }
}

/** Who speaks for a slot without being its member: nobody knows it, or another process has taken the slot over (KIP-345). */
export function strangerIs(member: Pick<Member, 'memberId'> | undefined, memberId: string): Refusal | undefined {
  if (!member) return { refuse: 'UNKNOWN_MEMBER_ID', because: 'the group has no such member, or no longer' }
  if (member.memberId === memberId) return undefined
  return { refuse: 'FENCED_INSTANCE_ID', because: 'another process has joined under this group.instance.id' }
}

/** Of a member's call that names a generation: why it may not go on. `completing` is left to the caller. */
export function behind(group: Group, generation: number): Refusal | undefined {
  if (group.state === 'empty') return { refuse: 'UNKNOWN_MEMBER_ID', because: 'the group has no members' }
  if (group.generation === generation) return undefined
  return { refuse: 'ILLEGAL_GENERATION', because: `the group is in generation ${group.generation}` }
}

export const rebalancing: Refusal = { refuse: 'REBALANCE_IN_PROGRESS', because: 'the group is rebalancing: join again' }

/** Heartbeats and syncs end with an open round; a commit of the last generation is still taken until the next one forms. */
export const mayNotSync = (group: Group, generation: number): Refusal | undefined =>
  behind(group, generation) ?? (group.state === 'preparing' ? rebalancing : undefined)
export const mayNotCommit = (group: Group, generation: number): Refusal | undefined =>
  behind(group, generation) ?? (group.state === 'completing' ? rebalancing : undefined)

/** A sync must name the protocol that was chosen, where it names one (KIP-559). */
export const speaksAnother = (group: Group, type: string | undefined, protocol: string | undefined) =>
  (type !== undefined && type !== group.protocolType) || (protocol !== undefined && protocol !== group.protocol)
    ? inconsistent
    : undefined

const inconsistent: Refusal = {
  refuse: 'INCONSISTENT_GROUP_PROTOCOL',
  because: "the protocol type or the protocols do not fit those of the group's members",
}
const full: Refusal = { refuse: 'GROUP_MAX_SIZE_REACHED', because: 'the group has as many members as it may have' }

const sizeOf = (group: Group): number => (group.state === 'preparing' ? group.expected : group.members)

/** One protocol at least must be common to all members; of an empty group anything is. */
const suits = (group: Group, { protocolType, protocols }: Asked): boolean =>
  group.state === 'empty'
    ? protocolType !== '' && protocols.length > 0
    : protocolType === group.protocolType && commonTo(group.common, protocols).length > 0

export const commonTo = (names: readonly string[], protocols: readonly Protocol[]): string[] =>
  names.filter((name) => protocols.some((protocol) => protocol.name === name))

function sameProtocols(member: Member, { protocols }: Pick<Asked, 'protocols'>): boolean {
  return (
    member.protocols.length === protocols.length &&
    member.protocols.every(({ name, metadata }, at) => {
      const other = protocols[at]
      return other?.name === name && Buffer.compare(metadata, other.metadata) === 0
    })
  )
}

/** Each member votes for the first of its protocols that all support; most votes win, then the name, so that all agree. */
export function voted(common: readonly string[], members: readonly Pick<Member, 'protocols'>[]): string {
  const votes = new Map(common.map((name) => [name, 0]))
  for (const { protocols } of members) {
    const choice = protocols.find(({ name }) => votes.has(name))
    if (choice) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
  }
  const [winner] = [...votes].sort(([a, mine], [b, theirs]) => theirs - mine || (a < b ? -1 : 1))
  return winner?.[0] ?? ''
}
