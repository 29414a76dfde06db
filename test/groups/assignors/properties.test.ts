import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeStickyUserData } from '../../../src/groups/assignors/sticky-user-data.ts'
import { type AssignedPartition, type AssignorMember, assignors } from '../../../src/groups/assignors.ts'

type Group = { readonly members: AssignorMember[]; readonly counts: ReadonlyMap<string, number> }

const topicNames = ['a', 'b', 'c', 'd', 'e']
const counts = fc
  .dictionary(fc.constantFrom(...topicNames), fc.integer({ min: 0, max: 25 }), { noNullPrototype: true })
  .map((record) => new Map(Object.entries(record)))
const newcomer = (memberId: string, topics: readonly string[]): AssignorMember => ({
  memberId,
  topics,
  owned: [],
  ownedGeneration: -1,
})
const subscriptions = (topics: fc.Arbitrary<string[]>) =>
  fc.array(topics, { minLength: 1, maxLength: 9 }).map((lists) => lists.map((list, at) => newcomer(`m${at}`, list)))
const mixed = fc.record({ members: subscriptions(fc.subarray(topicNames)), counts })
const equal = fc.record({ members: subscriptions(fc.constant(topicNames)), counts })

/** Claims as they may come: doubled, of deleted topics, of any generation. */
const claimed = mixed.chain(({ members, counts }) =>
  fc
    .tuple(
      ...members.map((member) =>
        fc
          .record({
            owned: fc.array(
              fc.record({ topic: fc.constantFrom(...topicNames, 'gone'), partitions: fc.array(fc.nat(30)) }),
              { maxLength: 4 },
            ),
            ownedGeneration: fc.integer({ min: -1, max: 2 }),
          })
          .map((claim) => ({ ...member, ...claim })),
      ),
    )
    .map((members): Group => ({ members, counts })),
)

const text = ({ topic, partition }: AssignedPartition) => `${topic}-${partition}`

/** Partition to owner, having seen that each partition that someone wants has one owner, who subscribes to it. */
function owners({ members, counts }: Group, assigned: Map<string, AssignedPartition[]>): Map<string, string> {
  const found = new Map<string, string>()
  expect([...assigned.keys()].sort()).toEqual(members.map(({ memberId }) => memberId).sort())
  for (const { memberId, topics } of members)
    for (const partition of assigned.get(memberId) ?? []) {
      expect(topics).toContain(partition.topic)
      expect(found.has(text(partition))).toBe(false)
      found.set(text(partition), memberId)
    }
  const wanted = [...new Set(members.flatMap(({ topics }) => topics))]
  expect(found.size).toBe(wanted.reduce((sum, topic) => sum + (counts.get(topic) ?? 0), 0))
  return found
}

/** The members as they come back after an assignment, knowing what they got. */
function settled(members: readonly AssignorMember[], assigned: Map<string, AssignedPartition[]>): AssignorMember[] {
  return members.map((member) => ({
    ...member,
    owned: asOwned(assigned.get(member.memberId) ?? []),
    ownedGeneration: 1,
  }))
}

const asOwned = (list: readonly AssignedPartition[]) =>
  [...grouped(list, ({ topic }) => topic)].map(([topic, of]) => ({
    topic,
    partitions: of.map((one) => one.partition),
  }))

function grouped<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>()
  for (const one of list) found.set(keyOf(one), [...(found.get(keyOf(one)) ?? []), one])
  return found
}

const sizes = (assigned: Map<string, AssignedPartition[]>) => [...assigned.values()].map((list) => list.length)
const spread = (assigned: Map<string, AssignedPartition[]>) =>
  Math.max(...sizes(assigned)) - Math.min(...sizes(assigned))

describe.each(Object.entries(assignors))('%s', (_name, assign) => {
  it('gives every partition that someone wants to one member, who wants it', () => {
    fc.assert(fc.property(claimed, (group) => void owners(group, assign(group.members, group.counts))))
  })

  it('does not depend on the order in which members are named', () => {
    fc.assert(
      fc.property(mixed, ({ members, counts }) => {
        const backwards = assign([...members].reverse(), counts)
        expect(Object.fromEntries(backwards)).toEqual(Object.fromEntries(assign(members, counts)))
      }),
    )
  })
})

describe('sticky', () => {
  const { sticky } = assignors

  it('gives members with equal subscriptions equal shares, or one more', () => {
    fc.assert(
      fc.property(claimed, ({ members, counts }) => {
        const assigned = sticky(members, counts)
        for (const alike of grouped(members, ({ topics }) => topics.join()).values())
          expect(spread(new Map(alike.map(({ memberId }) => [memberId, assigned.get(memberId) ?? []])))).toBeLessThan(2)
      }),
    )
  })

  it('changes nothing where nothing changed', () => {
    fc.assert(
      fc.property(claimed, ({ members, counts }) => {
        const assigned = sticky(members, counts)
        expect(sticky(settled(members, assigned), counts)).toEqual(assigned)
      }),
    )
  })

  it('moves only the partitions of a member that leaves', () => {
    fc.assert(
      fc.property(equal, fc.nat(), ({ members, counts }, which) => {
        fc.pre(members.length > 1)
        const before = sticky(members, counts)
        const gone = members[which % members.length]?.memberId
        const left = settled(members, before).filter(({ memberId }) => memberId !== gone)
        const now = owners({ members: left, counts }, sticky(left, counts))
        for (const [memberId, list] of before)
          if (memberId !== gone) for (const partition of list) expect(now.get(text(partition))).toBe(memberId)
      }),
    )
  })

  it('moves nothing between the old members when one comes', () => {
    fc.assert(
      fc.property(equal, ({ members, counts }) => {
        const before = sticky(members, counts)
        const more = [...settled(members, before), newcomer('a newcomer', topicNames)]
        const assigned = sticky(more, counts)
        const now = owners({ members: more, counts }, assigned)
        expect(spread(assigned)).toBeLessThan(2)
        for (const [memberId, list] of before)
          for (const partition of list) expect([memberId, 'a newcomer']).toContain(now.get(text(partition)))
      }),
    )
  })

  it('moves no more than the shares ask for', () => {
    fc.assert(
      fc.property(equal, fc.integer({ min: 2, max: 6 }), ({ members, counts }, piles) => {
        // All is piled up with a few members; they keep their whole new share.
        const all = topicNames.flatMap((topic) =>
          Array.from({ length: counts.get(topic) ?? 0 }, (_, partition) => ({ topic, partition })),
        )
        const had = members.map((_, at) => all.filter((_, i) => i % piles === at))
        const before = members.map((member, at) => ({ ...member, owned: asOwned(had[at] ?? []), ownedGeneration: 1 }))
        const assigned = sticky(before, counts)
        members.forEach(({ memberId }, at) => {
          const now = new Set(assigned.get(memberId)?.map(text))
          const kept = (had[at] ?? []).filter((partition) => now.has(text(partition))).length
          expect(kept).toBe(Math.min(had[at]?.length ?? 0, now.size))
        })
      }),
    )
  })

  describe('with two members that claim one partition', () => {
    const two = new Map([['a', 2]])
    const claim = (memberId: string, partition: number, ownedGeneration: number) => ({
      ...newcomer(memberId, ['a']),
      owned: [{ topic: 'a', partitions: [partition] }],
      ownedGeneration,
    })

    it('believes the younger generation', () => {
      for (const members of [
        [claim('x', 0, 3), claim('y', 0, 4)],
        [claim('y', 0, 4), claim('x', 0, 3)],
      ])
        expect(sticky(members, two).get('y')).toEqual([{ topic: 'a', partition: 0 }])
    })

    it('believes neither where both are of one generation', () => {
      const three = new Map([['a', 3]])
      // x and y cancel each other; z, of an older generation, does not get it by that.
      const assigned = sticky([claim('x', 2, 3), claim('y', 2, 3), claim('z', 2, 2)], three)
      expect(Object.fromEntries(assigned)).toEqual(
        Object.fromEntries(['x', 'y', 'z'].map((memberId, partition) => [memberId, [{ topic: 'a', partition }]])),
      )
    })
  })

  it('reads what Kafka clients say of their last assignment in their user data', () => {
    const owned = [{ topic: 'a', partitions: [1] }]
    const members = ['x', 'y'].map((memberId) => newcomer(memberId, ['a']))
    const told = members.map((member, at) =>
      at === 0 ? { ...member, userData: encodeStickyUserData({ owned, generation: 3 }) } : member,
    )
    expect(sticky(told, new Map([['a', 2]])).get('x')).toEqual([{ topic: 'a', partition: 1 }])
  })

  it('takes no quadratic time', () => {
    for (const [memberCount, topicCount, partitions] of [
      [300, 1, 300],
      [100, 1, 10_000],
      [100, 10_000, 1],
    ] as const) {
      const topics = Array.from({ length: topicCount }, (_, at) => `t${at}`)
      const counts = new Map(topics.map((topic) => [topic, partitions]))
      const members = Array.from({ length: memberCount }, (_, at) => newcomer(`m${at}`, topics))
      const before = process.cpuUsage()
      const first = sticky(members, counts)
      const again = sticky([...settled(members, first).slice(1), newcomer('new', topics)], counts)
      // Other processes' work on this machine does not count.
      const tookMs = process.cpuUsage(before).user / 1_000
      expect(spread(first) + spread(again)).toBeLessThan(3)
      // Some 0.1 s; the rest is for slow machines.
      expect(tookMs).toBeLessThan(5_000)
    }
  })
})
