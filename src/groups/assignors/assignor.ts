import type { TopicPartitions } from '../protocol.ts'

/** A member as its group's leader sees it. */
export type AssignorMember = {
  readonly memberId: string
  /** The `group.instance.id` of a static member. */
  readonly instanceId?: string
  readonly topics: readonly string[]
  /** What it says it had, and in which generation (-1: it does not say). */
  readonly owned: readonly TopicPartitions[]
  readonly ownedGeneration: number
  readonly userData?: Uint8Array
}

export type AssignedPartition = { readonly topic: string; readonly partition: number }

/**
 * Shares out the partitions of the topics that the members name. A topic without a count is left out: it does not exist (yet).
 * Every member is in the answer, if with nothing; each has its partitions by topic and number.
 */
export type Assignor = (
  members: readonly AssignorMember[],
  partitionCounts: ReadonlyMap<string, number>,
) => Map<string, AssignedPartition[]>

/** UTF-16 code units decide, as in Java. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Kafka's order: static members by instance id, then the others by member id (AbstractPartitionAssignor.MemberInfo). */
export function inKafkasOrder(members: readonly AssignorMember[]): AssignorMember[] {
  return [...members].sort((a, b) => {
    if (a.instanceId !== undefined && b.instanceId !== undefined) return compareText(a.instanceId, b.instanceId)
    if (a.instanceId !== undefined) return -1
    if (b.instanceId !== undefined) return 1
    return compareText(a.memberId, b.memberId)
  })
}

/** The existing topics that someone subscribes to, by name, each with its subscribers in Kafka's order. */
export function subscribersByTopic(
  members: readonly AssignorMember[],
  partitionCounts: ReadonlyMap<string, number>,
): Map<string, AssignorMember[]> {
  const found = new Map<string, AssignorMember[]>()
  for (const member of inKafkasOrder(members)) {
    for (const topic of new Set(member.topics)) {
      if ((partitionCounts.get(topic) ?? 0) < 1) continue
      const subscribers = found.get(topic)
      if (subscribers) subscribers.push(member)
      else found.set(topic, [member])
    }
  }
  return new Map([...found].sort(([a], [b]) => compareText(a, b)))
}

/** Nothing for anyone yet. */
export const nothingFor = (members: readonly AssignorMember[]): Map<string, AssignedPartition[]> =>
  new Map(members.map(({ memberId }) => [memberId, []]))
