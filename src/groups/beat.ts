/**
 * A member's beat: an item of its own, for a heartbeat must not rewrite a subscription (member.ts).
 *
 *   beat     v 1   id whose   ms when   session its time-out
 *            of, next: the slot of its neighbour in the ring of generation `of`
 */
import { requireFormat } from '../log/format.ts'
import { beatKey, memberKey } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { absent, all, any, type Condition, compare, equals, exists, type Item, set } from '../store/items.ts'
import { settled } from './group.ts'
import { type Member, memberIn, slotOf } from './member.ts'

const format = 1

export type Beat = {
  readonly memberId: string
  readonly ms: number
  readonly sessionMs: number
  readonly ring?: { readonly generation: number; readonly next: string }
}

/** @throws StoreError `misconfigured`: a format that this version does not know. */
export function beatIn(slot: string, item: Item | undefined): Beat | undefined {
  if (!item) return undefined
  requireFormat('heartbeat', slot, item.v, format)
  return {
    memberId: String(item.id),
    ms: Number(item.ms),
    sessionMs: Number(item.session),
    ...(typeof item.next === 'string' && { ring: { generation: Number(item.of), next: item.next } }),
  }
}

/** The first beat of a member, or of the process that takes its slot over. */
export async function firstBeat(core: Core, group: string, member: Member): Promise<void> {
  const patches = [set('v', format), set('id', member.memberId), set('ms', member.ms), set('session', member.sessionMs)]
  await settled(core, () => core.items.update(beatKey(group, member.slot), { patches }))
  rememberBeat(core, group, member.slot)
}

const hint = (group: string, slot: string): string => `beat\0${group}\0${slot}`

function rememberBeat(core: Core, group: string, slot: string): void {
  core.memory.immutable.set(hint(group, slot), core.clock.uptime(), hint(group, slot).length)
}

/** When this process last wrote the beat, by its uptime: so that calls that wait a little, again and again, need not each. */
export function lastBeatMs(core: Core, group: string, slot: string): number {
  const at = core.memory.immutable.get(hint(group, slot))
  return typeof at === 'number' ? at : Number.NEGATIVE_INFINITY
}

export type Beaten = { readonly beat: Beat } | { readonly error: 'UNKNOWN_MEMBER_ID' | 'FENCED_INSTANCE_ID' }

/** One write unit: the member lives. `ring`: its place in the generation that it has just learned of. */
export async function beatNow(
  core: Core,
  group: string,
  who: { readonly memberId: string; readonly instanceId?: string },
  ring?: Beat['ring'],
): Promise<Beaten> {
  const slot = slotOf(who)
  const now = core.clock.now()
  const update = {
    patches: [set('ms', now), ...(ring ? [set('of', ring.generation), set('next', ring.next)] : [])],
    // A copy that comes late must not make it look older than it is; the clock of another server may be ahead of this one.
    if: ring
      ? all(equals('id', who.memberId), any(absent('of'), compare('of', '<=', ring.generation)))
      : all(equals('id', who.memberId), compare('ms', '<=', now)),
  }
  const { item } = await settled(core, () => core.items.update(beatKey(group, slot), update))
  const beat = beatIn(slot, item)
  if (!beat) return { error: 'UNKNOWN_MEMBER_ID' }
  if (beat.memberId === who.memberId) {
    rememberBeat(core, group, slot)
    return { beat }
  }
  // Another process's first beat may come late, after this one has taken the slot over from it: the member's item tells.
  const member = memberIn(slot, await settled(core, () => core.items.get(memberKey(group, slot))))
  if (member?.memberId !== who.memberId) return { error: 'FENCED_INSTANCE_ID' }
  await firstBeat(core, group, { ...member, ms: now })
  return { beat: { memberId: who.memberId, ms: now, sessionMs: member.sessionMs, ...(ring && { ring }) } }
}

/** Removes a member that is still as it was read. False: it has been heard of since, or written anew. */
export async function removeMember(core: Core, group: string, member: Member, seen: Beat | undefined | 'any beat') {
  const unheard: Condition | undefined =
    seen === 'any beat' ? undefined : seen ? any(absent('v'), equals('ms', seen.ms)) : absent('v')
  const beat = await settled(core, () => core.items.delete(beatKey(group, member.slot), unheard))
  if (!beat.applied && beat.item) return false
  const removed = await settled(core, () =>
    core.items.delete(memberKey(group, member.slot), all(exists('v'), equals('w', member.mark))),
  )
  return removed.applied || removed.item === undefined
}
