/**
 * Who leads what: rendezvous hashing (Thaler and Ravishankar, 1998) over the view's members. Whoever joins takes its share evenly from
 * all, whoever leaves gives its own to all, and nothing else moves. Pure: every process with the same view says the same.
 */
import type { View } from './view.ts'
import { membersOf } from './view.ts'

/** `leader` undefined: there is no broker. `epoch`: Kafka's leader epoch, the view's epoch at the last change of leader. */
export type Leadership = { readonly leader: number | undefined; readonly epoch: number }

/** The epoch of a partition only grows with the view's, and only where its leader changed or the view's floor passed it. */
export function leadership(view: View, topicId: string, partition: number): Leadership {
  const key = hashOf(`${topicId}/${partition}`)
  const members = new Set(view.floorMembers)
  let leader = winner(members, key)
  let epoch = view.floor
  for (const { node, change, epoch: at } of view.events) {
    const before = leader
    if (change === 'joined') {
      members.add(node)
      if (leader === undefined || isAbove(key, node, leader)) leader = node
    } else {
      members.delete(node)
      if (leader === node) leader = winner(members, key)
    }
    if (leader !== before) epoch = at
  }
  return { leader, epoch }
}

/** Undefined where there is no broker. */
export const coordinatorOf = (view: View, group: string): number | undefined =>
  winner(membersOf(view), hashOf(`group ${group}`))

/** `leadership` and `coordinatorOf`, reckoned once for a view. */
export function leaderships(entriesMax = 100_000) {
  let epoch = -1
  const partitions = new Map<string, Leadership>()
  const groups = new Map<string, number | undefined>()
  const turnTo = (view: View) => {
    if (view.epoch === epoch && partitions.size < entriesMax && groups.size < entriesMax) return
    partitions.clear()
    groups.clear()
    epoch = view.epoch
  }
  return {
    of(view: View, topicId: string, partition: number): Leadership {
      turnTo(view)
      const name = `${topicId}/${partition}`
      const known = partitions.get(name) ?? leadership(view, topicId, partition)
      partitions.set(name, known)
      return known
    },
    coordinatorOf(view: View, group: string): number | undefined {
      turnTo(view)
      const known = groups.has(group) ? groups.get(group) : coordinatorOf(view, group)
      groups.set(group, known)
      return known
    },
  }
}

function winner(members: Iterable<number>, key: number): number | undefined {
  let best: number | undefined
  for (const node of members) if (best === undefined || isAbove(key, node, best)) best = node
  return best
}

function isAbove(key: number, one: number, other: number): boolean {
  const [a, b] = [scoreOf(key, one), scoreOf(key, other)]
  return a > b || (a === b && one < other)
}

const scoreOf = (key: number, node: number): number => mixed(key ^ mixed(node + 1))

/** FNV-1a over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return mixed(hash)
}

/** MurmurHash3's finalizer: every bit of the input moves half of the output's. */
function mixed(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
