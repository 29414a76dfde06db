/**
 * A broker as a member of its cluster: it registers, beats, joins the view, takes the controller's duties where nobody has them, and
 * leaves. What it believes may be late by a beat; whatever it does because of that, conditions in the stores refuse.
 *
 * A beat is one round trip: it renews the broker's lease, looks at everybody's leases and at the view. It counts from when it was
 * sent, and for less than the lease: a broker that slept longer knows nothing for certain, by its own uptime, at its next request.
 */
import type { Core } from '../runtime/core.ts'
import { freeOver, type Held, handOver, isTrusted, newWatch, renew, take } from './lease.ts'
import {
  brokerResource,
  controllerResource,
  dataOf,
  type Endpoint,
  nodeOf,
  type Registry,
  readRegistry,
} from './registry.ts'
import { changeView, emptyView, joined, left, madeAnew, membersOf, readView, type View } from './view.ts'

export type MemberOptions = Omit<Endpoint, 'nodeId'> & {
  /** Undefined: the least one that is free. */
  readonly nodeId?: number
  /** How long a broker that says nothing counts as alive. */
  readonly leaseMs: number
}

/** Another broker that lives has the node id that was asked for. */
export class NodeIdTaken extends Error {
  override readonly name = 'NodeIdTaken'
}

export type Member = {
  /** 0 before the first registration where none was asked for. */
  readonly nodeId: number
  /** As last seen, however long ago. */
  view(): View
  brokers(): readonly Endpoint[]
  /** Whose the controller's duties are, as last seen. */
  controller(): number | undefined
  /** Whether what is known is recent enough to act on. */
  isServing(): boolean
  /** Registers and joins. @throws NodeIdTaken, StoreError */
  join(): Promise<void>
  /** @throws NodeIdTaken, StoreError; what was known counts until its time is up. */
  beat(): Promise<void>
  /** Leaves the view: others lead from now on. Beats no more. @throws StoreError */
  leave(): Promise<void>
  /** Gives its leases up, when the last request has been answered. @throws StoreError */
  release(): Promise<void>
}

/** Beats in the time of a lease: three may be lost. */
const beatsPerLease = 4
export const beatMsOf = (leaseMs: number): number => leaseMs / beatsPerLease
/** A look counts as long as a lease is trusted. */
const lookCountsPart = 0.9

export function newMember(core: Core, options: MemberOptions): Member {
  const { leaseMs } = options
  const watch = newWatch()
  const holder = Buffer.from(core.random.bytes(16)).toString('hex')
  let nodeId = options.nodeId ?? 0
  let own: Held | undefined
  let controlling: Held | undefined
  let view = emptyView
  let registry: Registry = { brokers: [], controller: undefined }
  let servingUntilMs = 0
  let leaving = false
  /** Registered and not in the view for it yet: there may still be whoever had the node id before, and led in an epoch of its own. */
  let isNew = false

  /** Takes the lease of a node id: the one that was asked for, or the least that nobody has. */
  async function register(): Promise<Held> {
    const { brokers } = await readRegistry(core, watch)
    const taken = new Set(brokers.flatMap(({ endpoint, overInMs }) => (overInMs > 0 ? [endpoint.nodeId] : [])))
    for (let id = options.nodeId ?? 1; ; id++) {
      if (options.nodeId === undefined && taken.has(id)) continue
      const claim = { resource: brokerResource(id), holder, leaseMs, data: dataOf(options) }
      const held = options.nodeId === undefined ? await take(core, watch, claim) : await takeWhenOver(claim)
      if ('busy' in held) continue
      nodeId = id
      return held
    }
  }

  /** An earlier life of this broker may hold it still: that passes. */
  async function takeWhenOver(claim: Parameters<typeof take>[2]): Promise<Held> {
    let seen: number | undefined
    for (;;) {
      const held = await take(core, watch, claim)
      if (!('busy' in held)) return held
      if (seen !== undefined && seen !== held.busy.beat) {
        throw new NodeIdTaken(`another broker with the node id ${options.nodeId} is alive: choose another one`)
      }
      seen = held.busy.beat
      await core.clock.sleep(held.overInMs)
    }
  }

  async function renewOwn(): Promise<void> {
    const renewed = own && (await renew(core, own))
    if (!renewed) {
      servingUntilMs = 0
      isNew = true
    }
    own = renewed ?? (await register())
  }

  /**
   * It has ended when both have, also where one fails: what a failed beat left under way would renew, or take, beside the next one, and
   * a broker would go on with the lease of one node id under another.
   */
  async function renewBoth(): Promise<void> {
    const renewals = [renewOwn(), renewController()]
    await Promise.allSettled(renewals)
    await Promise.all(renewals)
  }

  async function renewController(): Promise<void> {
    if (controlling) controlling = await renew(core, { ...controlling, data: { node: nodeId } })
  }

  /** Members whose leases are over, free or not there. */
  function deadMembers(): readonly number[] {
    const alive = new Set(registry.brokers.flatMap((one) => (one.overInMs > 0 ? [one.endpoint.nodeId] : [])))
    return membersOf(view).filter((node) => node !== nodeId && !alive.has(node))
  }

  /** Of brokers that died and are members no more: a new one has not watched them, and would think that they live. */
  async function freeNodeIds(): Promise<void> {
    const members = new Set(membersOf(view))
    for (const { endpoint, lease, overInMs } of registry.brokers) {
      const isOver = overInMs === 0 && lease.holder !== undefined && lease.holder !== holder
      if (isOver && !members.has(endpoint.nodeId)) await freeOver(core, brokerResource(endpoint.nodeId), lease)
    }
  }

  /** Who dies is found by the controller; a controller that dies, by everybody. */
  async function control(): Promise<void> {
    if (leaving) return
    if (!controlling && (registry.controller?.overInMs ?? 0) === 0) {
      const claim = { resource: controllerResource, holder, leaseMs, data: { node: nodeId } }
      const taken = await take(core, watch, claim)
      if (!('busy' in taken)) controlling = taken
    }
    if (!controlling || !isTrusted(core, controlling)) return
    await freeNodeIds()
    if (deadMembers().length === 0) return
    // The leases were read beside the view, maybe before it: who joined in between would seem to have none.
    registry = await readRegistry(core, watch)
    const dead = deadMembers()
    if (dead.length > 0) view = await changeView(core, view, (now) => left(now, dead), { onlyThis: true })
  }

  /** No view is less than an epoch that was met, but one that somebody removed: heads would refuse who goes by it. */
  async function see([brokers, found]: readonly [Registry, View]): Promise<void> {
    const last = view
    const { epochs } = core.memory
    registry = brokers
    view = await changeView(core, found, (now) => madeAnew(now, last, epochs.greatest))
    epochs.greatest = Math.max(epochs.greatest, view.epoch)
    // Read beside the view, maybe before it: who joined in between would lead and could not be found.
    if (view.epoch !== last.epoch) registry = await readRegistry(core, watch)
  }

  async function beat(): Promise<void> {
    if (leaving) return
    const renewed = renewBoth()
    // Whoever slept may have been removed: it looks when it is certain to be alive, and not before.
    if (!own || !isTrusted(core, own)) await renewed
    const lookedMs = core.clock.uptime()
    const looked = Promise.all([readRegistry(core, watch), readView(core)])
    await Promise.allSettled([renewed, looked])
    await renewed
    await see(await looked)
    await control()
    if (!leaving && (isNew || !membersOf(view).includes(nodeId))) {
      view = await changeView(core, view, (now) =>
        !isNew && membersOf(now).includes(nodeId) ? now : joined(now, nodeId),
      )
      isNew = false
    }
    if (own) servingUntilMs = Math.min(own.trustedUntilMs, lookedMs + leaseMs * lookCountsPart)
  }

  return {
    get nodeId() {
      return nodeId
    },
    view: () => view,
    brokers() {
      const members = new Set(membersOf(view))
      return registry.brokers.flatMap(({ endpoint }) => (members.has(endpoint.nodeId) ? [endpoint] : []))
    },
    controller: () => (controlling && isTrusted(core, controlling) ? nodeId : nodeOf(registry.controller?.lease.data)),
    isServing: () => !leaving && core.clock.uptime() < servingUntilMs,
    async join() {
      own = await register()
      // Also where an earlier life is a member still: what it led gets a new epoch.
      view = await changeView(core, await readView(core), (now) => joined(now, nodeId))
      await beat()
    },
    beat,
    async leave() {
      leaving = true
      const given = controlling
      controlling = undefined
      view = await changeView(core, await readView(core), (now) => left(now, [nodeId]))
      if (given) await handOver(core, given)
    },
    async release() {
      if (own) await handOver(core, own)
    },
  }
}
