import { type Assignor, nothingFor, subscribersByTopic } from './assignor.ts'

/**
 * Kafka's RangeAssignor (without racks): of each topic, every subscriber gets a run of neighbouring partitions, the first ones one
 * more where they do not come out even. Topics with as many partitions and the same subscribers are cut alike.
 */
export const range: Assignor = (members, partitionCounts) => {
  const assigned = nothingFor(members)
  for (const [topic, subscribers] of subscribersByTopic(members, partitionCounts)) {
    const count = partitionCounts.get(topic) ?? 0
    const each = Math.floor(count / subscribers.length)
    const more = count % subscribers.length
    let partition = 0
    subscribers.forEach(({ memberId }, at) => {
      const end = partition + each + (at < more ? 1 : 0)
      for (; partition < end; partition++) assigned.get(memberId)?.push({ topic, partition })
    })
  }
  return assigned
}
