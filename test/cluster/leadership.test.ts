import fc from 'fast-check'
import { expect, test } from 'vitest'
import { coordinatorOf, leadership } from '../../src/cluster/leadership.ts'
import { emptyView, joined, left, membersOf, type View } from '../../src/cluster/view.ts'

const partitions = Array.from({ length: 300 }, (_, at) => at)
const ledIn = (view: View) => partitions.map((at) => leadership(view, 'some-topic', at))
const viewOf = (...nodes: number[]) => nodes.reduce(joined, emptyView)

type Step = { readonly node: number; readonly joins: boolean }
const steps = fc.array(fc.record({ node: fc.integer({ min: 1, max: 6 }), joins: fc.boolean() }), { maxLength: 150 })
const after = (view: View, { node, joins }: Step) => (joins ? joined(view, node) : left(view, [node]))

test('every partition has one leader, a member, or none where there is no member', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const view = all.reduce(after, emptyView)
      const members = membersOf(view)
      for (const { leader } of ledIn(view)) {
        if (members.length === 0) expect(leader).toBeUndefined()
        else expect(members).toContain(leader)
      }
      expect(coordinatorOf(view, 'billing') === undefined).toBe(members.length === 0)
    }),
    { numRuns: 30 },
  )
})

test('an epoch only grows, grows wherever the leader changes, and is never beyond the view', () => {
  fc.assert(
    fc.property(steps, (all) => {
      let view = emptyView
      let before = ledIn(view)
      for (const step of all) {
        view = after(view, step)
        const now = ledIn(view)
        for (const [at, { leader, epoch }] of now.entries()) {
          const was = before[at]
          expect(epoch).toBeGreaterThanOrEqual(was?.epoch ?? 0)
          if (leader !== was?.leader) expect(epoch).toBeGreaterThan(was?.epoch ?? 0)
          expect(epoch).toBeLessThanOrEqual(view.epoch)
        }
        before = now
      }
    }),
    { numRuns: 20 },
  )
})

test('only what has to moves: to whoever joins, from whoever leaves; the rest keeps leader and epoch', () => {
  const three = viewOf(1, 2, 3)
  const four = joined(three, 4)
  const [before, grown, shrunk] = [ledIn(three), ledIn(four), ledIn(left(three, [2]))]
  for (const at of partitions) {
    if (grown[at]?.leader !== 4) expect(grown[at]).toEqual(before[at])
    if (before[at]?.leader !== 2) expect(shrunk[at]).toEqual(before[at])
    else expect(shrunk[at]?.leader).not.toBe(2)
  }
})

test('each member has its share, of partitions and of groups', () => {
  const view = viewOf(1, 2, 3)
  const counts = new Map<number | undefined, number>()
  const count = (node: number | undefined) => counts.set(node, (counts.get(node) ?? 0) + 1)
  for (const { leader } of ledIn(view)) count(leader)
  for (const at of partitions) count(coordinatorOf(view, `group-${at}`))
  for (const node of [1, 2, 3]) expect(counts.get(node)).toBeGreaterThan((2 * partitions.length) / 4)
})

test('a member that joins once more gets a new epoch for what it led, and nothing else moves', () => {
  const view = viewOf(1, 2, 3)
  const [before, now] = [ledIn(view), ledIn(joined(view, 2))]
  for (const at of partitions) {
    expect(now[at]?.leader).toBe(before[at]?.leader)
    if (before[at]?.leader === 2) expect(now[at]?.epoch).toBeGreaterThan(view.epoch)
    else expect(now[at]).toEqual(before[at])
  }
})

test('a view stays small, however often brokers come and go', () => {
  let view = viewOf(1, 2, 3)
  for (let round = 0; round < 500; round++) view = joined(view, 3)
  expect(view.events.length).toBeLessThanOrEqual(64)
  expect(membersOf(view)).toEqual([1, 2, 3])
})
