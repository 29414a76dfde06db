import { expect, test } from 'vitest'
import { readGroup } from '../../src/groups/group.ts'
import { groupKey } from '../../src/log/keys.ts'
import { allAssigned, errorOf, group, newConsumer, newsTopic, newWorld, settleAll, until } from './kit.ts'

const everything = ['news/0', 'news/1', 'news/2', 'news/3']

test('two members split the partitions of a topic', async () => {
  const { server, during } = newWorld()
  const core = server()
  await newsTopic(core)
  const [one, two] = [newConsumer(core), newConsumer(core)]
  await during(settleAll([one, two]))
  expect([one.generation, two.generation]).toEqual([1, 1])
  expect(allAssigned([one, two])).toEqual(everything)
  expect([one, two].map(({ owned }) => owned.length)).toEqual([2, 2])
  expect([one, two].filter(({ reply }) => reply.leader === reply.memberId)).toHaveLength(1)
})

test('a third that joins makes a new generation, and everybody gets a new share', async () => {
  const { server, during } = newWorld()
  const core = server()
  await newsTopic(core)
  const [one, two, three] = [newConsumer(core), newConsumer(core), newConsumer(core)]
  await during(settleAll([one, two]))
  const joining = three.settle()
  await during(until(core, async () => (await errorOf(one.heartbeat())) === 'REBALANCE_IN_PROGRESS'))
  expect(await errorOf(two.heartbeat())).toBe('REBALANCE_IN_PROGRESS')
  await during(Promise.all([joining, one.settle(), two.settle()]))
  expect([one, two, three].map(({ generation }) => generation)).toEqual([2, 2, 2])
  expect(allAssigned([one, two, three])).toEqual(everything)
  expect(await errorOf(during(one.heartbeat()))).toBe('none')
})

test('a follower that joins again with the same words changes nothing; a leader makes a new generation', async () => {
  const { server, during } = newWorld()
  const core = server()
  await newsTopic(core)
  const both = [newConsumer(core), newConsumer(core)] as const
  await during(settleAll(both))
  const [leader, follower] = both[0].reply.leader === both[0].memberId ? both : [both[1], both[0]]
  await during(follower.join())
  expect(follower.generation).toBe(1)
  expect(await errorOf(leader.heartbeat())).toBe('none')
  const again = leader.settle()
  await during(until(core, async () => (await errorOf(follower.heartbeat())) === 'REBALANCE_IN_PROGRESS'))
  await during(Promise.all([again, follower.settle()]))
  expect(both.map(({ generation }) => generation)).toEqual([2, 2])
  expect(leader.reply.leader).toBe(leader.memberId)
})

test('a follower that joins again with other words makes a new generation', async () => {
  const { server, during } = newWorld()
  const core = server()
  const both = [newConsumer(core), newConsumer(core)] as const
  await during(settleAll(both))
  const [leader, follower] = both[0].reply.leader === both[0].memberId ? both : [both[1], both[0]]
  const metadata = new Uint8Array([0, 1, 2])
  const again = follower.join({ protocols: [{ name: 'range', metadata }] })
  await during(until(core, async () => (await errorOf(leader.heartbeat())) === 'REBALANCE_IN_PROGRESS'))
  await during(Promise.all([again, leader.join()]))
  expect(leader.reply.members.find(({ memberId }) => memberId === follower.memberId)?.metadata).toEqual(metadata)
})

test('who leaves is gone at once, and its partitions move', async () => {
  const { server, during } = newWorld()
  const core = server()
  await newsTopic(core)
  const [one, two, three] = [newConsumer(core), newConsumer(core), newConsumer(core)]
  await during(settleAll([one, two, three]))
  expect(await during(one.leave())).toEqual([expect.not.objectContaining({ error: expect.anything() })])
  expect(await errorOf(one.heartbeat())).toBe('UNKNOWN_MEMBER_ID')
  expect(await errorOf(two.heartbeat())).toBe('REBALANCE_IN_PROGRESS')
  await during(settleAll([two, three]))
  expect(allAssigned([two, three])).toEqual(everything)
  expect((await during(one.leave())).map(({ error }) => error?.error)).toEqual(['UNKNOWN_MEMBER_ID'])
})

test('when the last member leaves, the group is empty, and the next one finds nobody to wait for', async () => {
  const { server, during, clock } = newWorld()
  const core = server()
  const one = newConsumer(core)
  await during(one.settle())
  await during(one.leave())
  expect(await readGroup(core, group)).toMatchObject({ state: 'empty', generation: 2, members: 0 })
  const two = newConsumer(core)
  const beganMs = clock.now()
  await during(two.settle())
  expect(clock.now() - beganMs).toBeLessThan(1_500)
  expect(two.generation).toBe(3)
})

test('a call that may not wait ends as pending, and asking again goes on where it was', async () => {
  const { server, during } = newWorld()
  const core = server()
  const one = newConsumer(core)
  expect(await during(one.joinFor(0))).toEqual({ pending: { memberId: expect.stringMatching(/^c-.{22}$/) } })
  expect(await during(one.joinFor(0))).toEqual({ pending: { memberId: one.memberId } })
  expect(await during(one.joinFor(1_000))).toMatchObject({ joined: { memberId: one.memberId, generation: 1 } })
})

test('a member that its group does not hear of while it rebalances is left behind at the deadline', async () => {
  const { server, during } = newWorld()
  const core = server()
  await newsTopic(core)
  const [one, two] = [newConsumer(core, { sessionTimeoutMs: 600_000 }), newConsumer(core)]
  await during(settleAll([one, two]))
  const three = newConsumer(core)
  const joining = three.settle()
  await during(core.clock.sleep(50))
  await during(Promise.all([joining, two.settle()]))
  expect(allAssigned([two, three])).toEqual(everything)
  expect(await errorOf(one.heartbeat())).toBe('UNKNOWN_MEMBER_ID')
})

test('rosters and plans of the past are deleted', async () => {
  const { server, during } = newWorld()
  const core = server()
  const one = newConsumer(core)
  for (let generation = 1; generation <= 5; generation++) await during(one.settle())
  const rows = await core.items.query({ pk: groupKey(group).pk, limit: 100 })
  const kept = rows.map(({ sk }) => sk).filter((sk) => /^[rp]\//.test(sk))
  expect(kept.map((sk) => sk.slice(0, 12)).sort()).toEqual([
    'p/0000000004',
    'p/0000000005',
    'r/0000000004',
    'r/0000000005',
  ])
})

test('a member that asks again and again, and never waits for long, lives on while the others are awaited', async () => {
  const { server, during, clock } = newWorld()
  const core = server()
  const one = newConsumer(core, { sessionTimeoutMs: 600_000 })
  await during(one.settle())
  const two = newConsumer(core)
  for (let call = 0; call < 50; call++) {
    expect(await during(two.joinFor(0))).toMatchObject({ pending: {} })
    await during(clock.sleep(1_000))
  }
  await during(Promise.all([one.join(), two.join({}, 0)]))
  expect(two.generation).toBe(2)
})
