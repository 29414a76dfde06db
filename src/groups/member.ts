/**
 * A member and its beat: two items, for a heartbeat must not rewrite a subscription.
 *
 *   member   v 1   w last writer   id member id   instance `group.instance.id`   client, host   type protocol type
 *            protocols [[name, metadata] …] as it likes them   session, rebalance its time-outs (ms)
 *            joins the generation it last asked to join; 0: it only has an id (KIP-394)
 *            since when it first joined   ms when it last joined
 *            k how often another process took the slot over in generation kOf (KIP-345)
 *   beat     v 1   id whose   ms when   session its time-out
 *            of, next: the slot of its neighbour in the ring of generation `of`
 */
import { requireFormat } from '../log/format.ts'
import { beatKey, memberKey } from '../log/keys.ts'
import { newUuid } from '../log/uuid.ts'
import type { Core } from '../runtime/core.ts'
import {
  absent,
  all,
  any,
  type Condition,
  compare,
  equals,
  exists,
  type Item,
  type Patch,
  remove,
  set,
  type Value,
} from '../store/items.ts'
import { newMark, settled } from './group.ts'

const format = 1

export type Protocol = { readonly name: string; readonly metadata: Uint8Array }

export type Member = {
  readonly slot: string
  readonly memberId: string
  readonly instanceId?: string
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  readonly protocols: readonly Protocol[]
  readonly sessionMs: number
  readonly rebalanceMs: number
  readonly joins: number
  readonly sinceMs: number
  readonly ms: number
  readonly replaced: { readonly times: number; readonly generation: number }
  /** Names the write that made it so. */
  readonly mark: string
}

export type Beat = {
  readonly memberId: string
  readonly ms: number
  readonly sessionMs: number
  readonly ring?: { readonly generation: number; readonly next: string }
}

/**
 * Where a member's items lie: under its member id or, of a static member, its instance id, which outlives member ids. A static
 * member's id names it too: requests from before KIP-345 have no other place for it, and there are clients that join with an
 * instance id and send their heartbeats so (aiokafka).
 */
export function slotOf({ memberId, instanceId }: { readonly memberId: string; readonly instanceId?: string }): string {
  const named = instanceId ?? staticId.exec(memberId)?.[1]
  return named === undefined ? memberId : `i:${named}`
}

/** Kafka's client ids may be longer; what a key is made of may not. Instance ids that are longer are not told by member ids. */
const namedMax = 200
/** No other member id ends so: those end with a UUID. */
const staticId = /^(.+)-[\w-]{22}:static$/s

export const newMemberId = (
  core: Core,
  { instanceId, clientId }: { instanceId?: string; clientId: string },
): string => {
  const name = (instanceId ?? clientId).slice(0, namedMax)
  return `${name}-${newUuid(core.random)}${instanceId !== undefined && name === instanceId ? ':static' : ''}`
}

/** Writes a member over the one that was read. False: somebody else wrote it meanwhile, or removed it. */
export async function writeMember(core: Core, group: string, member: Member, seen: Member | undefined) {
  const mark = newMark(core)
  const { slot } = member
  const update = {
    patches: [set('v', format), set('w', mark), ...memberPatches(member)],
    if: seen ? equals('w', seen.mark) : absent('v'),
  }
  const { applied, item } = await settled(core, () => core.items.update(memberKey(group, slot), update))
  return applied || item?.w === mark
}

function memberPatches(member: Member): Patch[] {
  return [
    set('id', member.memberId),
    member.instanceId === undefined ? remove('instance') : set('instance', member.instanceId),
    set('client', member.clientId),
    set('host', member.clientHost),
    set('type', member.protocolType),
    set(
      'protocols',
      member.protocols.map(({ name, metadata }) => [name, metadata]),
    ),
    set('session', member.sessionMs),
    set('rebalance', member.rebalanceMs),
    set('joins', member.joins),
    set('since', member.sinceMs),
    set('ms', member.ms),
    set('k', member.replaced.times),
    set('kOf', member.replaced.generation),
  ]
}

export function memberIn(slot: string, item: Item | undefined): Member | undefined {
  if (!item) return undefined
  requireFormat('group member', slot, item.v, format)
  return {
    slot,
    memberId: String(item.id),
    ...(typeof item.instance === 'string' && { instanceId: item.instance }),
    clientId: String(item.client),
    clientHost: String(item.host),
    protocolType: String(item.type),
    protocols: Array.isArray(item.protocols) ? item.protocols.flatMap(protocolIn) : [],
    sessionMs: Number(item.session),
    rebalanceMs: Number(item.rebalance),
    joins: Number(item.joins),
    sinceMs: Number(item.since),
    ms: Number(item.ms),
    replaced: { times: Number(item.k), generation: Number(item.kOf) },
    mark: String(item.w),
  }
}

function protocolIn(value: Value): Protocol[] {
  if (!Array.isArray(value)) return []
  const [name, metadata] = value
  return [{ name: String(name), metadata: metadata instanceof Uint8Array ? metadata : new Uint8Array() }]
}

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
