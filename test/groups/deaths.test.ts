import { expect, test } from 'vitest'
import { heartbeat } from '../../src/groups/heartbeat.ts'
import { allAssigned, errorOf, living, newConsumer, newsTopic, newWorld, sessionMs, settleAll, until } from './kit.ts'

const everything = ['news/0', 'news/1', 'news/2', 'news/3']

test("a member's death is found by its neighbour, and its partitions move within its session and a second", async () => {
  const { server, during, clock } = newWorld()
  const [here, there] = [server(), server()]
  await newsTopic(here)
  const [one, two, three] = [newConsumer(here), newConsumer(there), newConsumer(there)]
  const all = [one, two, three]
  await during(settleAll(all))
  const lives = all.map((consumer) => living(consumer, 400))
  await during(clock.sleep(30_000))
  expect(all.map(({ generation }) => generation)).toEqual([1, 1, 1])
  lives[0]?.die()
  const diedMs = clock.now()
  await during(until(here, () => allAssigned([two, three]).join() === everything.join()))
  expect(clock.now() - diedMs).toBeLessThanOrEqual(sessionMs + 1_000)
  expect([two.generation, three.generation]).toEqual([2, 2])
})

test('a late copy of an older beat makes nobody forget whom it looks after', async () => {
  const { server, stores, during, pass } = newWorld()
  const copies: (() => Promise<unknown>)[] = []
  const copied = server({
    ...stores.items,
    update: (key, update) => {
      if (key.sk.startsWith('b/')) copies.push(() => stores.items.update(key, update))
      return stores.items.update(key, update)
    },
  })
  await newsTopic(copied)
  const [one, two] = [newConsumer(copied), newConsumer(copied)]
  await during(settleAll([one, two]))
  const old = copies.splice(0)
  await during(settleAll([one, two]))
  expect(one.generation).toBeGreaterThan(1)
  await Promise.all(old.map((write) => write()))
  await pass(sessionMs - 1)
  await one.heartbeat()
  await pass(2)
  // By a process that remembers nothing.
  expect(await errorOf(heartbeat(server(), one.who()))).toBe('REBALANCE_IN_PROGRESS')
})

test('a death while the others join is found by who waits', async () => {
  const { server, during, clock } = newWorld()
  const core = server()
  await newsTopic(core)
  const [one, two] = [newConsumer(core), newConsumer(core)]
  await during(settleAll([one, two]))
  const beganMs = clock.now()
  const three = newConsumer(core)
  const settling = settleAll([two, three])
  await during(settling)
  expect(allAssigned([two, three])).toEqual(everything)
  expect(clock.now() - beganMs).toBeLessThan(sessionMs + 2_500)
})

test('a silent member is found by the next one that joins', async () => {
  const { server, during, pass, clock } = newWorld()
  const core = server()
  await newsTopic(core)
  const one = newConsumer(core)
  await during(one.settle())
  await pass(sessionMs + 1)
  const beganMs = clock.now()
  const two = newConsumer(core)
  await during(two.settle())
  expect(clock.now() - beganMs).toBeLessThan(2_500)
  expect(allAssigned([two])).toEqual(everything)
  expect(await errorOf(one.heartbeat())).toBe('UNKNOWN_MEMBER_ID')
})

test('all members die; one new one gets everything', async () => {
  const { server, during, pass } = newWorld()
  const core = server()
  await newsTopic(core)
  await during(settleAll([newConsumer(core), newConsumer(core), newConsumer(core)]))
  await pass(sessionMs + 1)
  // It speaks what none of the dead spoke.
  const late = newConsumer(core, { protocols: [{ name: 'sticky', metadata: new Uint8Array([0, 1]) }] })
  await during(late.settle())
  expect(late.reply.members).toHaveLength(1)
  expect(allAssigned([late])).toEqual(everything)
})

test('a leader that dies before it syncs is found by who waits for its plan', async () => {
  const { server, during } = newWorld()
  const core = server()
  await newsTopic(core)
  const [one, two] = [newConsumer(core), newConsumer(core)]
  await during(Promise.all([one.join(), two.join()]))
  const follower = one.reply.leader === one.memberId ? two : one
  expect(await errorOf(during(follower.sync()))).toBe('REBALANCE_IN_PROGRESS')
  await during(follower.settle())
  expect(allAssigned([follower])).toEqual(everything)
})

test('a leader that lives and never syncs is given up when its rebalance time-out is over', async () => {
  const { server, during } = newWorld()
  const core = server()
  await newsTopic(core)
  const [one, two] = [newConsumer(core), newConsumer(core)]
  await during(Promise.all([one.join(), two.join()]))
  const [leader, follower] = one.reply.leader === one.memberId ? [one, two] : [two, one]
  let isOver = false
  const beating = (async () => {
    while (!isOver) {
      await errorOf(leader.heartbeat())
      await core.clock.sleep(3_000)
    }
  })()
  expect(await errorOf(during(follower.sync()))).toBe('REBALANCE_IN_PROGRESS')
  await during(follower.settle())
  isOver = true
  await during(beating)
  expect(allAssigned([follower])).toEqual(everything)
  expect(await errorOf(leader.heartbeat())).toBe('UNKNOWN_MEMBER_ID')
})

test('two neighbours that die together are both found', async () => {
  const { server, during } = newWorld()
  const core = server()
  await newsTopic(core)
  const all = Array.from({ length: 4 }, () => newConsumer(core))
  await during(settleAll(all))
  const lives = all.map((consumer) => living(consumer, 1_000))
  lives[0]?.die()
  lives[1]?.die()
  const left = all.slice(2)
  await during(until(core, () => allAssigned(left).join() === everything.join()))
  for (const { generation } of left) expect(generation).toBe(2)
})

test('a poll looks after the neighbour without a write of its own', async () => {
  const { server, during, pass } = newWorld()
  const core = server()
  const [one, two] = [newConsumer(core), newConsumer(core)]
  await during(settleAll([one, two]))
  expect(await one.look()).toBe('stable')
  await pass(sessionMs / 2)
  await one.heartbeat()
  await pass(sessionMs / 2 + 1)
  expect(await one.look()).toBe('rebalancing')
  expect(await two.look()).toBe('unknown-member')
  const three = newConsumer(core)
  await during(settleAll([one, three]))
  expect(await one.look()).toBe('stable')
})
