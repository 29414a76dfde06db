import { type Assignor, inKafkasOrder, nothingFor, subscribersByTopic } from './assignor.ts'

/** Kafka's RoundRobinAssignor: all partitions in order are dealt to the members in order; one that does not subscribe is passed over. */
export const roundRobin: Assignor = (members, partitionCounts) => {
  const assigned = nothingFor(members)
  const circle = inKafkasOrder(members)
  let next = 0
  for (const [topic, subscribers] of subscribersByTopic(members, partitionCounts)) {
    const subscribed = new Set(subscribers)
    const count = partitionCounts.get(topic) ?? 0
    for (let partition = 0; partition < count; ) {
      const member = circle[next]
      next = (next + 1) % circle.length
      if (!member || !subscribed.has(member)) continue
      assigned.get(member.memberId)?.push({ topic, partition })
      partition++
    }
  }
  return assigned
}
