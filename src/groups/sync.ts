/** SyncGroup: the leader's plan becomes the group's, everyone gets its part, and older generations are fenced off. */
import { groupKey, memberKey } from '../log/keys.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { beatNow } from './beat.ts'
import { memberFence } from './fence.ts'
import { changeGroup, type Group, groupIn, settled } from './group.ts'
import type { Waiting } from './join.ts'
import { type Member, memberIn, slotOf } from './member.ts'
import type { CommittedOffset } from './offsets.ts'
import { own } from './own.ts'
import { readPlanned, writePlan } from './plan.ts'
import { rememberRing } from './ring.ts'
import { forgetGenerations, readRoster } from './roster.ts'
import { settledBy } from './round.ts'
import { mayNotSync, type Refusal, rebalancing, speaksAnother, strangerIs } from './rules.ts'
import { waitForGroup } from './wait.ts'

export type SyncRequest = {
  readonly group: string
  readonly memberId: string
  readonly instanceId?: string
  readonly generation: number
  /** As the join answered, where the client says it (KIP-559). */
  readonly protocolType?: string
  readonly protocol?: string
  /** Of the leader only. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[]
}

export type OwnedPartition = {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** What the group had committed when this generation took the partition. */
  readonly committed?: CommittedOffset
}

export type SyncReply = {
  readonly protocolType: string
  readonly protocol: string
  readonly assignment: Uint8Array
  /** The assignment's partitions; empty where the protocol type is not `consumer`. */
  readonly owned: readonly OwnedPartition[]
}

/** Turns in which another changed the group in between. */
const turnsMax = 16
const renamedAtOnce = 16
const consumerType = 'consumer'

/**
 * The leader's: stores the assignments of a generation, the first ones it sends. Everyone's: waits for them and returns their
 * own, after the fence of every partition in it was raised: from then on no older generation commits there.
 * `pending`: the leader has not sent them yet; ask again, within the session time-out.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS,
 *   INCONSISTENT_GROUP_PROTOCOL; StoreError
 */
export async function syncGroup(core: Core, request: SyncRequest, waiting: Waiting): Promise<SyncReply | 'pending'> {
  const { group: name } = request
  const slot = slotOf(request)
  for (let turn = 0; turn < turnsMax; turn++) {
    const keys = [groupKey(name), memberKey(name, slot)]
    const [groupItem, memberItem] = await settled(core, () => core.items.batchGet(keys))
    const group = groupIn(name, groupItem)
    const member = memberIn(slot, memberItem)
    refuseIf(strangerIs(member, request.memberId) ?? mayNotSync(group, request.generation))
    refuseIf(speaksAnother(group, request.protocolType, request.protocol))
    if (!member) continue
    if (group.state === 'stable') return partOf(core, request, group, member)
    // Who has its slot without having been told that it leads has no plan to send.
    if (group.leader === member.memberId) await settle(core, request, group)
    else if (!(await planned(core, request, group, member, waiting))) return 'pending'
  }
  throw refusal(rebalancing)
}

const refusal = ({ refuse, because }: Refusal): KafkaError => new KafkaError(refuse, because)
function refuseIf(found: Refusal | undefined): void {
  if (found) throw refusal(found)
}

/** The first plan that the group item names is the plan; a rival one stays unread and goes with its generation. */
async function settle(core: Core, { group: name, assignments }: SyncRequest, group: Group): Promise<void> {
  const roster = await readRoster(core, name, group)
  const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  // A process that took a slot over just when the round closed goes by another id than the roster's; its leader knows it by that.
  const now = await inParallel(renamedAtOnce, roster, async (row) => {
    if (byMember.has(row.memberId)) return row
    const member = memberIn(row.slot, await settled(core, () => core.items.get(memberKey(name, row.slot))))
    return member ? { ...row, memberId: member.memberId } : row
  })
  const plan = await writePlan(core, name, group.generation, now, byMember)
  const settledGroup = await changeGroup(core, name, group, settledBy(group, plan, core.clock.now()))
  if (settledGroup) await forgetGenerations(core, name, group.generation - 1)
}

async function planned(core: Core, request: SyncRequest, group: Group, member: Member, waiting: Waiting) {
  const isSettled = (now: Group) => now.state !== 'completing' || now.generation !== group.generation
  return waitForGroup(core, request.group, waiting, member, isSettled)
}

async function partOf(core: Core, request: SyncRequest, group: Group, member: Member): Promise<SyncReply> {
  const { group: name, generation } = request
  const part = await readPlanned(core, name, group, member.slot)
  const assignment = part?.assignment ?? new Uint8Array()
  const ring = { generation, next: part?.next ?? member.slot }
  const [owned, beaten] = await Promise.all([
    group.protocolType === consumerType ? own(core, name, memberFence(generation, member), assignment) : [],
    beatNow(core, name, request, ring),
  ])
  if ('error' in beaten) throw new KafkaError(beaten.error, 'another process has joined in the place of this member')
  rememberRing(core, name, member.slot, ring)
  const { protocolType, protocol } = group
  return { protocolType, protocol, assignment, owned }
}
