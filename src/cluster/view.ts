/**
 * The cluster's view: which brokers share the partitions, and how that came to be. One item, changed only by compare-and-set on its
 * epoch, so that all views of one epoch are the same.
 *
 *   v        1
 *   epoch    counts changes; only grows
 *   floor    the epoch before the first event that is kept
 *   members  node ids at the floor
 *   events   what happened since, oldest first: { e: epoch, j: node that joined } or { e: epoch, l: node that left }
 *
 * Who leads a partition, and since which epoch, follows from it alone (leadership.ts).
 */
import { requireFormat } from '../log/format.ts'
import { clusterViewKey } from '../log/keys.ts'
import { pause } from '../log/retry.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import type { Item, Value } from '../store/items.ts'
import { absent, all, equals, set } from '../store/items.ts'

const viewFormat = 1

/** Beyond so many events the older half becomes the floor: a partition that none of them moved gets its epoch anew then. */
const eventsMax = 64

export type ViewEvent = { readonly epoch: number; readonly node: number; readonly change: 'joined' | 'left' }

export type View = {
  readonly epoch: number
  readonly floor: number
  readonly floorMembers: readonly number[]
  readonly events: readonly ViewEvent[]
}

/** Before any broker joined. */
export const emptyView: View = { epoch: 0, floor: 0, floorMembers: [], events: [] }

/** Node ids, in order. */
export const membersOf = ({ floorMembers, events }: View): readonly number[] =>
  [...after(floorMembers, events)].sort((a, b) => a - b)

function after(members: readonly number[], events: readonly ViewEvent[]): Set<number> {
  const now = new Set(members)
  for (const { node, change } of events) {
    if (change === 'joined') now.add(node)
    else now.delete(node)
  }
  return now
}

/** One that is a member already leaves and joins: what it led gets a new epoch, which fences its earlier life. */
export function joined(view: View, node: number): View {
  const without = left(view, [node])
  return withEvents(without, [{ epoch: without.epoch + 1, node, change: 'joined' }])
}

/** Those of the nodes that are no members change nothing. */
export function left(view: View, nodes: readonly number[]): View {
  const members = new Set(membersOf(view))
  const leaving = nodes.filter((node) => members.has(node))
  return withEvents(
    view,
    leaving.map((node, at): ViewEvent => ({ epoch: view.epoch + 1 + at, node, change: 'left' })),
  )
}

/** More changes than anybody who met an epoch was ever behind of. */
const unseenMax = 1_000

/**
 * The view made anew where it is less than an `epoch` that was met: the item was removed, or replaced by an old one. Its members are those
 * of the `last` one that is known, too: who is no more is removed as ever. All epochs are beyond those that anybody was told.
 */
export function madeAnew(view: View, last: View, epoch: number): View {
  if (view.epoch >= epoch) return view
  const members = new Set([...membersOf(last), ...membersOf(view)])
  const beyond = epoch + unseenMax
  return { epoch: beyond, floor: beyond, floorMembers: [...members].sort((a, b) => a - b), events: [] }
}

function withEvents(view: View, added: readonly ViewEvent[]): View {
  const events = [...view.events, ...added]
  const epoch = added.at(-1)?.epoch ?? view.epoch
  if (events.length <= eventsMax) return { ...view, epoch, events }
  const folded = events.slice(0, events.length - eventsMax / 2)
  return {
    epoch,
    floor: folded.at(-1)?.epoch ?? view.floor,
    floorMembers: [...after(view.floorMembers, folded)].sort((a, b) => a - b),
    events: events.slice(folded.length),
  }
}

/** @throws StoreError */
export async function readView(core: Core): Promise<View> {
  const item = await core.items.get(clusterViewKey)
  return item ? viewOf(item) : emptyView
}

const changesMax = 20

/**
 * Changes the view, on top of whatever others made of it meanwhile. `change` gives the same view where nothing is to be done.
 * `onlyThis`: a view that is no more as `seen` stays as it is.
 * @throws StoreError; the change may be made or not.
 */
export async function changeView(
  core: Core,
  seen: View,
  change: (view: View) => View,
  { onlyThis = false }: { readonly onlyThis?: boolean } = {},
): Promise<View> {
  let view = seen
  for (let attempt = 0; ; attempt++) {
    const wanted = change(view)
    if (wanted.epoch === view.epoch) return view
    const written = await core.items.update(clusterViewKey, {
      patches: patchesOf(wanted),
      if: view.epoch === 0 ? absent('v') : all(equals('v', viewFormat), equals('epoch', view.epoch)),
    })
    if (written.applied) return wanted
    view = written.item ? viewOf(written.item) : emptyView
    if (onlyThis) return view
    if (attempt === changesMax) throw new StoreError('throttled', 'the view of the cluster changes too fast')
    await pause(core, Math.min(attempt, 4))
  }
}

const patchesOf = ({ epoch, floor, floorMembers, events }: View) => [
  set('v', viewFormat),
  set('epoch', epoch),
  set('floor', floor),
  set('members', floorMembers),
  set(
    'events',
    events.map(({ epoch: e, node, change }): Value => (change === 'joined' ? { e, j: node } : { e, l: node })),
  ),
]

function viewOf(item: Item): View {
  requireFormat('view of the cluster', clusterViewKey.sk, item.v, viewFormat)
  return {
    epoch: Number(item.epoch),
    floor: Number(item.floor),
    floorMembers: listIn(item.members).map(Number),
    events: listIn(item.events).map(eventOf),
  }
}

const listIn = (value: Value | undefined): readonly Value[] => (Array.isArray(value) ? value : [])

function eventOf(value: Value): ViewEvent {
  // The cast: what this file wrote.
  const { e, j, l } = value as { readonly e: number; readonly j?: number; readonly l?: number }
  return j === undefined ? { epoch: e, node: Number(l), change: 'left' } : { epoch: e, node: j, change: 'joined' }
}
