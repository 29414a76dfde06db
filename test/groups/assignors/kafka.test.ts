import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type AssignorMember, assignors } from '../../../src/groups/assignors.ts'

/** Made by Kafka's own classes (test/lanes/java-codec/AssignorVectors.java). */
const cases: readonly {
  partitionCounts: Record<string, number>
  members: Pick<AssignorMember, 'memberId' | 'instanceId' | 'topics'>[]
  range: Record<string, string[]>
  roundrobin: Record<string, string[]>
}[] = JSON.parse(readFileSync(new URL('../../fixtures/assignors/kafka-4.1.0.json', import.meta.url), 'utf8'))

describe.each(['range', 'roundrobin'] as const)('%s', (name) => {
  it('shares out as Kafka does', () => {
    expect(cases.length).toBeGreaterThan(50)
    for (const { partitionCounts, members, [name]: expected } of cases) {
      const all = members.map((member) => ({ ...member, owned: [], ownedGeneration: -1 }))
      const assigned = assignors[name](all, new Map(Object.entries(partitionCounts)))
      const names = [...assigned].map(([id, list]) => [
        id,
        list.map(({ topic, partition }) => `${topic}-${partition}`).sort(),
      ])
      const sorted = Object.entries(expected).map(([id, list]) => [id, list.sort()])
      expect(Object.fromEntries(names)).toEqual(Object.fromEntries(sorted))
    }
  })
})
