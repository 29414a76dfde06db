/**
 * A member of a group: who it is and what it asked for. That it lives is told by its beat (beat.ts).
 *
 *   member   v 1   w last writer   id member id   instance `group.instance.id`   client, host   type protocol type
 *            protocols [[name, metadata] …] as it likes them   session, rebalance its time-outs (ms)
 *            joins the generation it last asked to join; 0: it only has an id (KIP-394)
 *            since when it first joined   ms when it last joined
 *            k how often another process took the slot over in generation kOf (KIP-345)
 */
import { requireFormat } from '../log/format.ts'
import { memberKey } from '../log/keys.ts'
import { newUuid } from '../log/uuid.ts'
import type { Core } from '../runtime/core.ts'
import { absent, equals, type Item, type Patch, remove, set, type Value } from '../store/items.ts'
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

/** @throws StoreError `misconfigured`: a format that this version does not know. */
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
