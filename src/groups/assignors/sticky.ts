import {
  type AssignedPartition,
  type Assignor,
  type AssignorMember,
  compareText,
  nothingFor,
  subscribersByTopic,
} from './assignor.ts'
import { decodeStickyUserData } from './sticky-user-data.ts'

/** A member at work: how many partitions it has in all, and which of each topic, claimed ones first. */
type Load = { readonly memberId: string; count: number; readonly partitions: Map<string, number[]> }

/**
 * Balance first, then peace: nobody could take a partition from another that has two more than itself, and beyond that nothing
 * moves. Members with equal subscriptions so differ by at most one; when one leaves only its partitions move, when one comes none
 * moves between the others. (What Kafka's StickyAssignor promises; which of the balanced assignments comes out may differ from its.)
 */
export const sticky: Assignor = (members, partitionCounts) => {
  const topics = subscribersByTopic(members, partitionCounts)
  const loads = new Map<string, Load>(
    members.map(({ memberId }) => [memberId, { memberId, count: 0, partitions: new Map() }]),
  )
  const eligible = new Map<string, Load[]>()
  for (const [topic, subscribers] of topics)
    eligible.set(
      topic,
      subscribers.flatMap(({ memberId }) => loads.get(memberId) ?? []),
    )
  const claims = settleClaims(members)
  // Those that few may have go first: later ones have more to choose from.
  const order = [...eligible].sort(([, a], [, b]) => a.length - b.length)
  const free: [topic: string, partition: number][] = []
  for (const [topic, candidates] of order) {
    const may = new Set(candidates)
    for (let partition = 0; partition < (partitionCounts.get(topic) ?? 0); partition++) {
      const owner = loads.get(claims.get(topic)?.get(partition)?.memberId ?? '')
      if (owner && may.has(owner)) give(owner, topic, partition)
      else free.push([topic, partition])
    }
  }
  for (const [topic, partition] of free) {
    const taker = least(eligible.get(topic) ?? [])
    if (taker) give(taker, topic, partition)
  }
  even(order)
  return inOrder(members, loads)
}

type Claim = { readonly memberId: string | undefined; readonly generation: number }

/** Who had what. Of several claims that of the highest generation counts; two of the same generation cancel each other. */
function settleClaims(members: readonly AssignorMember[]): Map<string, Map<number, Claim>> {
  const claims = new Map<string, Map<number, Claim>>()
  for (const member of members) {
    const { owned, generation } = claimOf(member)
    for (const { topic, partitions } of owned) {
      const ofTopic = claims.get(topic) ?? new Map<number, Claim>()
      claims.set(topic, ofTopic)
      for (const partition of partitions) {
        const other = ofTopic.get(partition)
        if (other?.memberId === member.memberId || (other && other.generation > generation)) continue
        const cancelled = other?.generation === generation
        ofTopic.set(partition, { memberId: cancelled ? undefined : member.memberId, generation })
      }
    }
  }
  return claims
}

/** A member that revokes all it has before it joins (Kafka's StickyAssignor) says in its user data what that was. */
function claimOf(member: AssignorMember): { owned: AssignorMember['owned']; generation: number } {
  const { owned, ownedGeneration, userData } = member
  if (owned.length > 0 || !userData) return { owned, generation: ownedGeneration }
  return decodeStickyUserData(userData)
}

function give(load: Load, topic: string, partition: number): void {
  load.count++
  const ofTopic = load.partitions.get(topic)
  if (ofTopic) ofTopic.push(partition)
  else load.partitions.set(topic, [partition])
}

function least(loads: readonly Load[]): Load | undefined {
  let found = loads[0]
  for (const load of loads) if (found && load.count < found.count) found = load
  return found
}

/** Whoever has most in all, of those that have something of this topic. */
function most(loads: readonly Load[], topic: string): Load | undefined {
  let found: Load | undefined
  for (const load of loads)
    if ((!found || load.count > found.count) && (load.partitions.get(topic)?.length ?? 0) > 0) found = load
  return found
}

/** Every move makes the sum of the squared counts smaller, so this ends; never is one moved between those that differ by one. */
function even(topics: readonly (readonly [topic: string, candidates: readonly Load[]])[]): void {
  for (let moved = true; moved; ) {
    moved = false
    for (const [topic, candidates] of topics) {
      for (;;) {
        const from = most(candidates, topic)
        const to = least(candidates)
        if (!from || !to || from.count - to.count < 2) break
        // The last one came last: one that was not its own before, if there is such a one.
        const partition = from.partitions.get(topic)?.pop()
        if (partition === undefined) break
        from.count--
        give(to, topic, partition)
        moved = true
      }
    }
  }
}

function inOrder(
  members: readonly AssignorMember[],
  loads: ReadonlyMap<string, Load>,
): Map<string, AssignedPartition[]> {
  const assigned = nothingFor(members)
  for (const [memberId, list] of assigned) {
    const ofMember = [...(loads.get(memberId)?.partitions ?? [])].sort(([a], [b]) => compareText(a, b))
    for (const [topic, partitions] of ofMember)
      for (const partition of partitions.sort((a, b) => a - b)) list.push({ topic, partition })
  }
  return assigned
}
