/**
 * JoinGroup: a member puts itself down for the group's next generation and waits until it has formed. Everything it does can be
 * done again: each turn reads the group and itself, and takes the one step that the rules name.
 */
import { groupKey, memberKey } from '../log/keys.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { add, all, equals } from '../store/items.ts'
import { firstBeat } from './beat.ts'
import { changeGroup, type Group, groupIn, patchGroup, settled } from './group.ts'
import { look, readMembers } from './look.ts'
import { type Member, memberIn, newMemberId, type Protocol, slotOf, writeMember } from './member.ts'
import { nameGroup } from './names.ts'
import { isEnrolled, readRoster } from './roster.ts'
import { opened, openedAnew, seemsComplete } from './round.ts'
import { type Asked, commonTo, joinStep } from './rules.ts'
import { waitForGroup } from './wait.ts'

export type JoinRequest = {
  readonly group: string
  /** '' of a member that has none yet. */
  readonly memberId: string
  /** `group.instance.id` of a static member (KIP-345). */
  readonly instanceId?: string
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  /** In the order the member likes them. */
  readonly protocols: readonly Protocol[]
  /** Refuse a new dynamic member with MEMBER_ID_REQUIRED and a member id to come back with (KIP-394). */
  readonly requireKnownMemberId?: boolean
}

export type JoinedMember = {
  readonly memberId: string
  readonly instanceId?: string
  /** What it said of the chosen protocol: of consumers, their subscription. */
  readonly metadata: Uint8Array
}

export type JoinReply = {
  readonly generation: number
  readonly protocolType: string
  readonly protocol: string
  /** The leader's member id. */
  readonly leader: string
  readonly memberId: string
  /** The leader came back under a new member id into a stable group: it need not assign anything (KIP-814). */
  readonly skipAssignment: boolean
  /** Of the leader's answer only. */
  readonly members: readonly JoinedMember[]
}

/** How long a call may wait, by `clock.uptime()`, and what ends it before. */
export type Waiting = { readonly untilUptimeMs: number; readonly signal?: AbortSignal }

/** MEMBER_ID_REQUIRED, with the id to join with. */
export class MemberIdRequired extends KafkaError {
  readonly memberId: string

  constructor(memberId: string) {
    super('MEMBER_ID_REQUIRED', 'join again with the member id of this answer')
    this.memberId = memberId
  }
}

const idBytesMax = 512
/** Turns without waiting: each is a step of its own or another's that came in between. */
const turnsMax = 64

/**
 * Joins, or joins again, and waits until the group's next generation has formed.
 * `pending`: it has not yet. The member is counted; ask again with this member id, within the session time-out.
 * @throws MemberIdRequired; KafkaError INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, INCONSISTENT_GROUP_PROTOCOL,
 *   GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID; StoreError
 */
export async function joinGroup(
  core: Core,
  request: JoinRequest,
  waiting: Waiting,
): Promise<{ readonly joined: JoinReply } | { readonly pending: { readonly memberId: string } }> {
  checkRequest(core, request)
  const memberId = request.memberId || newMemberId(core, request)
  let joining: Joining = {
    ...request,
    memberId,
    isNewId: request.memberId === '',
    slot: slotOf({ ...request, memberId }),
  }
  if (joining.isNewId && request.requireKnownMemberId && request.instanceId === undefined) {
    await writeMember(core, request.group, memberOf(core, joining, undefined, 0), undefined)
    throw new MemberIdRequired(memberId)
  }
  for (let turn = 0; turn < turnsMax; turn++) {
    const { group, member } = await readGroupAndMember(core, joining)
    const step = joinStep(group, member, joining, core.settings.groupMaxSize)
    if ('refuse' in step) {
      if (step.unlessDead && (await changedByLook(core, joining.group, group))) continue
      throw new KafkaError(step.refuse, step.because)
    }
    switch (step.step) {
      case 'open':
        await open(core, joining, group)
        break
      case 'enter':
        if (await enter(core, joining, group, member, step.isNew)) joining = { ...joining, isNewId: false }
        break
      case 'wait':
        if (!(await formed(core, joining, group, waiting))) return { pending: { memberId } }
        // Others may need as long as they like: what was waited for does not count as a turn.
        turn = 0
        break
      case 'take over': {
        const reply = member && (await takeOver(core, joining, group, member))
        if (reply) return { joined: reply }
        break
      }
      case 'answer':
        if (await isEnrolled(core, joining.group, group, joining.slot)) {
          if (joining.slot !== group.leaderSlot || group.leader === memberId)
            return { joined: await answer(core, joining, group) }
          // It took the slot over just when the round closed with the process before it as its leader.
          await changeGroup(core, joining.group, group, { ...group, leader: memberId })
          break
        }
        await open(core, joining, group)
    }
  }
  throw new StoreError('throttled', `too many changes of the group ${request.group} at once`)
}

type Joining = JoinRequest & Asked

function checkRequest(core: Core, { group, sessionTimeoutMs, instanceId, memberId }: JoinRequest): void {
  checkGroupId(group)
  const { groupMinSessionTimeoutMs: least, groupMaxSessionTimeoutMs: most } = core.settings
  if (!(sessionTimeoutMs >= least && sessionTimeoutMs <= most)) {
    throw new KafkaError('INVALID_SESSION_TIMEOUT', `a session time-out lies between ${least} and ${most} ms`)
  }
  if (Buffer.byteLength(instanceId ?? memberId) > idBytesMax) {
    throw new KafkaError('INVALID_REQUEST', `a member id or group.instance.id has at most ${idBytesMax} bytes`)
  }
}

/** @throws KafkaError INVALID_GROUP_ID */
export function checkGroupId(group: string): void {
  if (group !== '' && Buffer.byteLength(group) <= idBytesMax) return
  throw new KafkaError('INVALID_GROUP_ID', `a group id has 1 to ${idBytesMax} bytes`)
}

async function readGroupAndMember(core: Core, { group: name, slot }: Joining) {
  const keys = [groupKey(name), memberKey(name, slot)]
  const [group, member] = await settled(core, () => core.items.batchGet(keys))
  return { group: groupIn(name, group), member: memberIn(slot, member) }
}

/** Before a newcomer is refused for the sake of others: are they still there? */
async function changedByLook(core: Core, name: string, seen: Group): Promise<boolean> {
  await look(core, name)
  const item = await settled(core, () => core.items.get(groupKey(name)))
  return groupIn(name, item).rev !== seen.rev
}

async function open(core: Core, joining: Joining, group: Group): Promise<void> {
  const now = core.clock.now()
  if (group.state !== 'empty') {
    await changeGroup(core, joining.group, group, opened(group, group.members, now))
    return
  }
  await nameGroup(core, joining.group)
  const delayMs = core.settings.groupInitialRebalanceDelayMs
  await changeGroup(core, joining.group, group, openedAnew(group, joining, joining.rebalanceTimeoutMs, delayMs, now))
}

const memberOf = (core: Core, joining: Joining, was: Member | undefined, joins: number): Member => ({
  slot: joining.slot,
  memberId: joining.memberId,
  ...(joining.instanceId !== undefined && { instanceId: joining.instanceId }),
  clientId: joining.clientId,
  clientHost: joining.clientHost,
  protocolType: joining.protocolType,
  protocols: joining.protocols,
  sessionMs: joining.sessionTimeoutMs,
  rebalanceMs: joining.rebalanceTimeoutMs,
  joins,
  sinceMs: was?.sinceMs ?? core.clock.now(),
  ms: core.clock.now(),
  replaced: was?.replaced ?? { times: 0, generation: 0 },
  mark: '',
})

/** First its own items, then the count: whoever closes a round in which it was counted sees it. False: it was changed meanwhile. */
async function enter(core: Core, joining: Joining, group: Group, was: Member | undefined, isNew: boolean) {
  const member = memberOf(core, joining, was, group.generation + 1)
  const written = await writeBoth(core, joining.group, member, was)
  if (written) await count(core, joining, group, isNew)
  return written
}

async function writeBoth(core: Core, name: string, member: Member, was: Member | undefined): Promise<boolean> {
  const mayBeContested = was ? was.memberId !== member.memberId : member.instanceId !== undefined
  if (mayBeContested) {
    // Of two processes that take a slot at once, the beat shall be the winner's: by the other's it would be told that it is fenced.
    const won = await writeMember(core, name, member, was)
    if (won) await firstBeat(core, name, member)
    return won
  }
  const [written] = await Promise.all([writeMember(core, name, member, was), firstBeat(core, name, member)])
  return written
}

async function count(core: Core, { group: name, protocols }: Joining, group: Group, isNew: boolean): Promise<void> {
  const common = commonTo(group.common, protocols)
  const counts = { expected: group.expected + (isNew ? 1 : 0), joined: group.joined + 1 }
  const counted =
    common.length < group.common.length
      ? await changeGroup(core, name, group, { ...group, ...counts, common })
      : await patchGroup(
          core,
          name,
          [add('expected', isNew ? 1 : 0), add('joined', 1), add('rev', 1)],
          all(equals('state', 'preparing'), equals('generation', group.generation)),
        )
  if (counted && seemsComplete(counted, core.clock.now())) await look(core, name)
}

/** Waits until the open round has closed, or another was opened that asks for a new decision. False: the time is over. */
async function formed(core: Core, joining: Joining, group: Group, waiting: Waiting): Promise<boolean> {
  const isClosed = (now: Group) => now.state !== 'preparing' || now.generation !== group.generation
  const who = { ...joining, sessionMs: joining.sessionTimeoutMs }
  return (await waitForGroup(core, joining.group, waiting, who, isClosed)) !== undefined
}

/** A static member is back under a new member id and with the same words: it gets its slot and no rebalance (KIP-345, KIP-814). */
async function takeOver(core: Core, joining: Joining, group: Group, was: Member): Promise<JoinReply | undefined> {
  const { generation } = group
  if (!(await isEnrolled(core, joining.group, group, joining.slot))) {
    await open(core, joining, group)
    return undefined
  }
  const times = was.replaced.generation === generation ? was.replaced.times + 1 : 1
  const member = { ...memberOf(core, joining, was, was.joins), replaced: { times, generation } }
  if (!(await writeBoth(core, joining.group, member, was))) return undefined
  if (group.leaderSlot !== joining.slot) return answer(core, joining, group)
  // Fails where the group went on: then the next call of this member says so.
  await changeGroup(core, joining.group, group, { ...group, leader: member.memberId })
  return { ...(await answer(core, joining, { ...group, leader: member.memberId })), skipAssignment: true }
}

async function answer(core: Core, { group: name, memberId, slot }: Joining, group: Group): Promise<JoinReply> {
  return {
    generation: group.generation,
    protocolType: group.protocolType,
    protocol: group.protocol,
    leader: group.leader,
    memberId,
    skipAssignment: false,
    members: slot === group.leaderSlot ? await joinedMembers(core, name, group) : [],
  }
}

async function joinedMembers(core: Core, name: string, group: Group): Promise<JoinedMember[]> {
  const [roster, members] = await Promise.all([readRoster(core, name, group), readMembers(core, name)])
  const bySlot = new Map(members.map((member) => [member.slot, member]))
  return roster.flatMap(({ slot }) => {
    const member = bySlot.get(slot)
    if (!member) return []
    const { memberId, instanceId, protocols } = member
    const metadata = protocols.find(({ name }) => name === group.protocol)?.metadata ?? new Uint8Array()
    return [{ memberId, ...(instanceId !== undefined && { instanceId }), metadata }]
  })
}
