import { expect, test } from 'vitest'
import { leadership } from '../../src/cluster/leadership.ts'
import { NodeIdTaken } from '../../src/cluster/member.ts'
import { brokerResource } from '../../src/cluster/registry.ts'
import { membersOf } from '../../src/cluster/view.ts'
import { leaseKey } from '../../src/log/keys.ts'
import { add, set } from '../../src/store/items.ts'
import { beatMs, leaseMs, ledBy, membersSeenBy, newCluster, replacedMs } from './member-kit.ts'

test('brokers take the least free node ids, see each other, and agree who leads what', async () => {
  const { joinedBroker, pass } = newCluster()
  const brokers = [await joinedBroker(), await joinedBroker(), await joinedBroker()]
  expect(brokers.map(({ member }) => member.nodeId)).toEqual([1, 2, 3])
  await pass(beatMs)
  for (const broker of brokers) {
    expect(membersSeenBy(broker)).toEqual([1, 2, 3])
    expect(broker.member.isServing()).toBe(true)
    expect(broker.member.controller()).toBe(1)
    expect(ledBy(broker)).toEqual(ledBy(brokers[0] ?? broker))
  }
  expect(new Set(brokers.flatMap(ledBy))).toEqual(new Set([1, 2, 3]))
})

test('two that join at once get two ids', async () => {
  const { broker, during } = newCluster()
  const [one, two] = [broker(), broker()]
  await during(Promise.all([one.member.join(), two.member.join()]))
  expect([one.member.nodeId, two.member.nodeId].sort()).toEqual([1, 2])
})

test('a broker that has to register anew leads in no epoch of whoever had its node id before', async () => {
  const { broker, during, pass, stores } = newCluster()
  const [one, two] = [broker(), broker()]
  for (const { member } of [one, two]) await during(member.join())
  const { epoch } = two.member.view()
  for (let beat = 0; beat < 4; beat++) {
    await pass(leaseMs / 4)
    await during(one.member.beat())
  }
  expect(membersOf(one.member.view())).toContain(2)
  await pass(beatMs)
  // As if it had slept, and another had taken its node id; the second one has died, and is a member still.
  const stolen = leaseKey(brokerResource(1))
  await stores.items.update(stolen, { patches: [set('holder', 'another'), add('epoch', 1), add('beat', 1)] })
  await during(one.member.beat())
  expect(one.member.nodeId).toBe(2)
  const led = Array.from({ length: 60 }, (_, at) => leadership(one.member.view(), 'some-topic', at))
  const own = led.filter(({ leader }) => leader === 2)
  expect(own.length).toBeGreaterThan(10)
  expect(Math.min(...own.map((one) => one.epoch))).toBeGreaterThan(epoch)
})

test('the id of a broker that died is free for the next, once the controller has seen it', async () => {
  const { joinedBroker, pass } = newCluster()
  const [, two] = [await joinedBroker(), await joinedBroker(), await joinedBroker()]
  two?.die()
  await pass(replacedMs + beatMs)
  expect((await joinedBroker()).member.nodeId).toBe(2)
  // Whoever was only asleep finds its id taken, and goes on as another.
  await two?.member.beat()
  expect(two?.member.nodeId).toBe(4)
})

test('a broker started again after a crash gets its own id back when its earlier lease is over', async () => {
  const { joinedBroker, clock, pass } = newCluster()
  const [one, two] = [await joinedBroker(1), await joinedBroker(2)]
  await pass(leaseMs)
  one.die()
  const diedMs = clock.now()
  const again = await joinedBroker(1)
  expect(clock.now() - diedMs).toBeLessThanOrEqual(leaseMs + 100)
  await pass(beatMs)
  expect(again.member.nodeId).toBe(1)
  expect(membersSeenBy(two)).toEqual([1, 2])
})

test('brokers find each other, however many node ids were used before them', async () => {
  const { joinedBroker, pass, stores } = newCluster()
  for (let id = 1; id <= 1_100; id++) {
    const left = { v: 1, epoch: 1, beat: 5, ms: leaseMs, atMs: 0, data: { host: 'gone', port: 1 } }
    await stores.items.update(leaseKey(brokerResource(id)), {
      patches: Object.entries(left).map(([name, value]) => set(name, value)),
    })
  }
  const brokers = [await joinedBroker(2_000_000), await joinedBroker(999_999)]
  await pass(replacedMs)
  for (const broker of brokers) {
    expect(membersSeenBy(broker)).toEqual([999_999, 2_000_000])
    expect(broker.member.brokers()).toHaveLength(2)
    expect(broker.member.controller()).toBe(2_000_000)
  }
})

test('a node id that a living broker has is refused', async () => {
  const { joinedBroker } = newCluster()
  await joinedBroker(7)
  await expect(joinedBroker(7)).rejects.toThrow(NodeIdTaken)
})
