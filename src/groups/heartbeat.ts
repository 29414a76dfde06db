/**
 * Heartbeats: each writes its own small item and looks at one neighbour, so that its cost does not grow with the group. A
 * neighbour that has fallen silent is removed, and a round opened; looks (look.ts) find whoever falls silent with it.
 */
import { beatKey, groupKey, memberKey } from '../log/keys.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import type { Item } from '../store/items.ts'
import { type Beat, beatIn, beatNow, removeMember } from './beat.ts'
import { changeGroup, type Group, groupIn, settled } from './group.ts'
import { look } from './look.ts'
import { memberIn, slotOf } from './member.ts'
import { readPlanned } from './plan.ts'
import { rememberedRing, rememberRing } from './ring.ts'
import { opened } from './round.ts'
import { mayNotSync, rebalancing, strangerIs } from './rules.ts'

export type HeartbeatRequest = {
  readonly group: string
  readonly memberId: string
  readonly generation: number
  readonly instanceId?: string
}

/**
 * Says that the member lives, and looks whether its neighbour does: one trip, at a cost that does not grow with the group.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS; StoreError
 */
export async function heartbeat(core: Core, request: HeartbeatRequest): Promise<void> {
  const { group: name } = request
  const [beaten, seen] = await Promise.all([beatNow(core, name, request), readWithNeighbour(core, request)])
  if ('error' in beaten) throw new KafkaError(beaten.error, 'the group has no such member, or no longer')
  const refusal = mayNotSync(seen.group, request.generation)
  if (refusal) throw new KafkaError(refusal.refuse, refusal.because)
  if (await neighbourIsGone(core, request, seen, beaten.beat))
    throw new KafkaError(rebalancing.refuse, rebalancing.because)
}

/** What a look found; `rebalancing` also where the group has gone on to another generation. */
export type LookedAfter = 'stable' | 'rebalancing' | 'unknown-member' | 'fenced'

/** As `heartbeat` without saying anything: for polls, which come often. @throws StoreError */
export async function lookAfter(core: Core, request: HeartbeatRequest): Promise<LookedAfter> {
  const slot = slotOf(request)
  const seen = await readWithNeighbour(core, request, beatKey(request.group, slot))
  const beat = beatIn(slot, seen.also)
  const stranger = strangerIs(beat, request.memberId)
  if (stranger?.refuse === 'UNKNOWN_MEMBER_ID') return 'unknown-member'
  if (stranger && 'error' in (await beatNow(core, request.group, request))) return 'fenced'
  const refusal = mayNotSync(seen.group, request.generation)
  if (refusal) return refusal.refuse === 'UNKNOWN_MEMBER_ID' ? 'unknown-member' : 'rebalancing'
  return (await neighbourIsGone(core, request, seen, beat)) ? 'rebalancing' : 'stable'
}

/** The group and, where this process remembers whom the member looks after, that one's beat. */
type Seen = { readonly group: Group; readonly next?: string; readonly beat?: Beat; readonly also?: Item }

async function readWithNeighbour(
  core: Core,
  request: HeartbeatRequest,
  also?: ReturnType<typeof beatKey>,
): Promise<Seen> {
  const { group: name, generation } = request
  const ring = rememberedRing(core, name, slotOf(request))
  const next = ring?.generation === generation ? ring.next : undefined
  // A member alone is its own neighbour: the same key twice would be refused by the store.
  const reads = next === undefined || next === slotOf(request) ? [] : [beatKey(name, next)]
  const keys = [groupKey(name), ...(also ? [also] : []), ...reads]
  const items = await settled(core, () => core.items.batchGet(keys))
  const [own, neighbours] = also ? [items[1], items[2]] : [undefined, items[1]]
  const beat = next === undefined ? undefined : beatIn(next, neighbours)
  return {
    group: groupIn(name, items[0]),
    ...(next !== undefined && { next }),
    ...(beat && { beat }),
    ...(own && { also: own }),
  }
}

/** True: it was, and a round is open. A neighbour without a beat has left, and whoever saw it go did not come to open one. */
async function neighbourIsGone(
  core: Core,
  request: HeartbeatRequest,
  seen: Seen,
  own: Beat | undefined,
): Promise<boolean> {
  const { group: name, generation } = request
  const slot = slotOf(request)
  if (seen.group.state !== 'stable') return false
  const kept = own?.ring?.generation === generation ? own.ring.next : undefined
  const next = seen.next ?? kept ?? (await readPlanned(core, name, seen.group, slot))?.next
  if (next === undefined || next === slot) return false
  if (seen.next === undefined) rememberRing(core, name, slot, { generation, next })
  const beat =
    seen.next === undefined ? beatIn(next, await settled(core, () => core.items.get(beatKey(name, next)))) : seen.beat
  if (beat && core.clock.now() - beat.ms <= beat.sessionMs) return false
  if (!(await removeSilent(core, name, next, beat))) return false
  const expected = seen.group.members - 1
  const isOpen = await changeGroup(core, name, seen.group, opened(seen.group, expected, core.clock.now()))
  if (isOpen && expected === 0) await look(core, name)
  return true
}

/** False: it has been heard of meanwhile. */
async function removeSilent(core: Core, name: string, slot: string, beat: Beat | undefined): Promise<boolean> {
  const member = memberIn(slot, await settled(core, () => core.items.get(memberKey(name, slot))))
  if (!member) return true
  const silent = core.clock.now() - Math.max(member.ms, beat?.ms ?? 0) > member.sessionMs
  return silent && removeMember(core, name, member, beat)
}
