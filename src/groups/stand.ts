/** Where a commit stands: what allows it, and the fence that it may not lie below. */
import { groupKey, memberKey } from '../log/keys.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { isOfGeneration, memberFence, outsiderFence } from './fence.ts'
import { groupIn, settled } from './group.ts'
import { lookInTurn } from './look.ts'
import { memberIn, slotOf } from './member.ts'
import { nameGroup, rememberedMs } from './names.ts'
import { mayNotCommit, strangerIs } from './rules.ts'

/** Who commits, where it is a member. */
export type Committer = { readonly memberId: string; readonly generation: number; readonly instanceId?: string }

export type Stand = { readonly fence: number; readonly committer?: Committer }

/** @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS */
export async function standOfMember(core: Core, name: string, committer: Committer): Promise<Stand> {
  const slot = slotOf(committer)
  const keys = [groupKey(name), memberKey(name, slot)]
  const [groupItem, memberItem] = await settled(core, () => core.items.batchGet(keys))
  const member = memberIn(slot, memberItem)
  const refusal = strangerIs(member, committer.memberId) ?? mayNotCommit(groupIn(name, groupItem), committer.generation)
  if (refusal) throw new KafkaError(refusal.refuse, refusal.because)
  const replaced = member?.replaced ?? { times: 0, generation: 0 }
  return { fence: memberFence(committer.generation, { replaced }), committer }
}

const hint = (group: string): string => `outsider\0${group}`

/** Kept no longer than the group's name is: when that is forgotten, generations may begin anew. */
type Known = { readonly fence: number; readonly untilMs: number }
const isKnown = (value: unknown): value is Known => typeof value === 'object' && value !== null && 'untilMs' in value

/**
 * Of a consumer outside of the group: only while the group is empty. This process reads that once, and is told by the fences
 * when it is no longer so.
 * @throws KafkaError UNKNOWN_MEMBER_ID
 */
export async function standOfOutsider(core: Core, name: string): Promise<Stand> {
  await nameGroup(core, name)
  const known = core.memory.immutable.get(hint(name))
  return isKnown(known) && core.clock.uptime() < known.untilMs ? { fence: known.fence } : standNow(core, name)
}

/** A fence was met that is higher than the one at which a commit stood. */
export async function standAbove(core: Core, name: string, fence: number, was: Stand): Promise<Stand> {
  const { committer } = was
  if (!committer) {
    const now = await standNow(core, name)
    if (now.fence >= fence) return now
    throw fenced(name)
  }
  // Somebody took the slot over within the generation: reading the member says so by its right name.
  if (isOfGeneration(fence, committer.generation)) await standOfMember(core, name, committer)
  throw fenced(name)
}

async function standNow(core: Core, name: string): Promise<Stand> {
  const read = async () => groupIn(name, await settled(core, () => core.items.get(groupKey(name))))
  let group = await read()
  if (group.state !== 'empty') {
    // Are they still alive?
    await lookInTurn(core, name, group)
    group = await read()
  }
  if (group.state !== 'empty') {
    core.memory.immutable.delete(hint(name))
    throw new KafkaError('UNKNOWN_MEMBER_ID', `the group ${name} has members: only they may commit`)
  }
  const fence = outsiderFence(group.generation)
  const known: Known = { fence, untilMs: core.clock.uptime() + rememberedMs }
  core.memory.immutable.set(hint(name), known, hint(name).length)
  return { fence }
}

export const fenced = (group: string): KafkaError =>
  new KafkaError('ILLEGAL_GENERATION', `The group ${group} is in a newer generation: nothing was changed.`)
