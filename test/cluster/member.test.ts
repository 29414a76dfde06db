import { expect, test } from 'vitest'
import { leadership } from '../../src/cluster/leadership.ts'
import { newMember } from '../../src/cluster/member.ts'
import { clusterStatus } from '../../src/cluster/status.ts'
import { clusterViewKey } from '../../src/log/keys.ts'
import { createTopic } from '../../src/log/topics.ts'
import { StoreError } from '../../src/store/errors.ts'
import { newWorld } from './kit.ts'
import { beatMs, leaseMs, ledBy, membersSeenBy, newCluster, replacedMs } from './member-kit.ts'

test('brokers that beat stay, for as long as they do', async () => {
  const { joinedBroker, pass } = newCluster()
  const brokers = [await joinedBroker(), await joinedBroker(), await joinedBroker()]
  const epoch = () => brokers.map(({ member }) => member.view().epoch)
  await pass(leaseMs)
  const before = epoch()
  await pass(20 * leaseMs)
  expect(epoch()).toEqual(before)
  expect(brokers.every(({ member }) => member.isServing())).toBe(true)
})

test.each([
  ['the controller', 0],
  ['another one', 1],
])('%s that dies is replaced within ten seconds, and less', async (_who, which) => {
  const { joinedBroker, pass } = newCluster()
  const brokers = [await joinedBroker(), await joinedBroker(), await joinedBroker()]
  await pass(3 * leaseMs)
  const [dead] = brokers.splice(which, 1)
  dead?.die()
  await pass(replacedMs)
  const others = brokers.map(({ member }) => member.nodeId)
  for (const broker of brokers) {
    expect(membersSeenBy(broker)).toEqual(others)
    expect(others).toContain(broker.member.controller())
  }
  expect(dead?.member.isServing()).toBe(false)
})

test('all but one that die at once are replaced in the same time', async () => {
  const { joinedBroker, pass } = newCluster()
  const [one, two, three] = [await joinedBroker(), await joinedBroker(), await joinedBroker()]
  await pass(leaseMs)
  one.die()
  two.die()
  await pass(replacedMs)
  expect(membersSeenBy(three)).toEqual([3])
  expect(three.member.controller()).toBe(3)
})

test('a broker that is cut off knows nothing for certain before anybody replaces it', async () => {
  const { joinedBroker, pass } = newCluster()
  const [one, two] = [await joinedBroker(), await joinedBroker()]
  await pass(leaseMs)
  one.network.state.trouble = 'unreachable'
  while (membersSeenBy(two).length === 2) await pass(50)
  expect(one.member.isServing()).toBe(false)
})

test('a broker that is a member no more, though alive, joins again with a new epoch', async () => {
  const { joinedBroker, pass } = newCluster()
  const [one, two] = [await joinedBroker(), await joinedBroker()]
  await pass(leaseMs)
  one.network.state.trouble = 'unreachable'
  await pass(replacedMs)
  expect(membersSeenBy(two)).toEqual([2])
  const { epoch } = two.member.view()
  one.network.state.trouble = 'none'
  await pass(leaseMs)
  expect(membersSeenBy(two)).toEqual([1, 2])
  expect(one.member.isServing()).toBe(true)
  for (const [at, leader] of ledBy(one).entries()) {
    if (leader === 1) expect(leadership(one.member.view(), 'some-topic', at).epoch).toBeGreaterThan(epoch)
  }
})

test('one that slept for long does not act on what it knew: not before it has renewed and looked', async () => {
  const { joinedBroker, pass, stores } = newCluster()
  const [one, two] = [await joinedBroker(), await joinedBroker()]
  await pass(leaseMs)
  one.die()
  await pass(replacedMs)
  expect(membersSeenBy(two)).toEqual([2])
  expect(one.member.isServing()).toBe(false)
  const order: string[] = []
  const { get, update } = stores.items
  stores.items.get = (key) => {
    order.push(`asked for the ${key.sk}`)
    return get(key)
  }
  stores.items.update = async (key, change) => {
    const written = await update(key, change)
    order.push(`wrote ${key.sk}`)
    return written
  }
  await one.member.beat()
  expect(order.indexOf('asked for the view')).toBeGreaterThan(order.lastIndexOf('wrote broker/1'))
  expect(one.member.isServing()).toBe(true)
  expect(membersSeenBy(one)).toEqual([1, 2])
})

test('a view that is lost is made anew by those who knew it: the same leaders, beyond every epoch that was told', async () => {
  const { joinedBroker, pass, stores } = newCluster()
  const brokers = [await joinedBroker(), await joinedBroker(), await joinedBroker()]
  await pass(leaseMs)
  const [before, { epoch }] = [brokers.map(ledBy), (brokers[0] ?? brokers[1])?.member.view() ?? { epoch: -1 }]
  await stores.items.delete(clusterViewKey)
  const late = await joinedBroker()
  expect(late.member.view().epoch).toBeLessThan(epoch)
  await pass(beatMs)
  await pass(beatMs)
  for (const broker of [...brokers, late]) {
    expect(membersSeenBy(broker)).toEqual([1, 2, 3, 4])
    expect(broker.member.isServing()).toBe(true)
    for (let at = 0; at < 60; at++) {
      expect(leadership(broker.member.view(), 'some-topic', at).epoch).toBeGreaterThan(epoch)
    }
  }
  late.die()
  await pass(replacedMs)
  expect(brokers.map(ledBy)).toEqual(before)
})

test('whoever leaves leads nothing at once, hands its duties over, and its id is free for the next', async () => {
  const { joinedBroker, during, pass } = newCluster()
  const [one, two] = [await joinedBroker(), await joinedBroker()]
  await during(one.beats.stop())
  await one.member.leave()
  expect(one.member.isServing()).toBe(false)
  expect(ledBy(one)).not.toContain(1)
  await one.member.release()
  await pass(beatMs)
  expect(membersSeenBy(two)).toEqual([2])
  expect(two.member.controller()).toBe(2)
  const next = await joinedBroker()
  expect(next.member.nodeId).toBe(1)
})

test('an operator sees who is there, who leads how much, and who is silent', async () => {
  const { joinedBroker, pass, process } = newCluster()
  const watching = process(undefined, 0)
  await createTopic(watching, { name: 'news', partitions: 12 })
  const [one, two] = [await joinedBroker(), await joinedBroker()]
  await pass(beatMs)
  const { brokers } = await clusterStatus(watching)
  expect(brokers.map(({ nodeId, state, controller }) => [nodeId, state, controller])).toEqual([
    [1, 'member', true],
    [2, 'member', false],
  ])
  expect(brokers.reduce((sum, { leads }) => sum + leads, 0)).toBe(12)
  one.die()
  await pass(replacedMs + beatMs)
  expect((await clusterStatus(watching)).brokers).toMatchObject([
    { nodeId: 1, state: 'left', leads: 0, controller: false },
    { nodeId: 2, state: 'member', leads: 12, controller: true, host: 'host-any' },
  ])
  expect(two.member.nodeId).toBe(2)
})

test('a broker that joins while the controller looks around is not taken for dead', async () => {
  const { broker, joinedBroker, during, stores } = newCluster()
  const [one, two] = [await joinedBroker(), broker()]
  await during(one.beats.stop())
  const { get, query } = stores.items
  let joining: Promise<void> | undefined
  // The leases as they are before, the view as it is after.
  stores.items.query = async (asked) => {
    const rows = await query(asked)
    stores.items.query = query
    joining ??= two.member.join()
    return rows
  }
  stores.items.get = async (key) => {
    stores.items.get = get
    while (!joining) await Promise.resolve()
    await joining
    return get(key)
  }
  await during(one.member.beat())
  expect(membersSeenBy(one)).toEqual([1, 2])
})

test('whoever is told to lead can be found, though it joined during the look', async () => {
  const { broker, joinedBroker, during, pass, stores } = newCluster()
  const [, looking] = [await joinedBroker(), await joinedBroker()]
  await pass(beatMs)
  await during(looking.beats.stop())
  const { get, query } = stores.items
  for (const next of [broker(7), broker(8)]) {
    let joining: Promise<void> | undefined
    stores.items.query = async (asked) => {
      const rows = await query(asked)
      stores.items.query = query
      joining ??= next.member.join()
      return rows
    }
    stores.items.get = async (key) => {
      if (key.sk !== clusterViewKey.sk) return get(key)
      stores.items.get = get
      while (!joining) await Promise.resolve()
      await joining
      return get(key)
    }
    await during(looking.member.beat())
    expect(looking.member.brokers().map(({ nodeId }) => nodeId)).toEqual(membersSeenBy(looking))
  }
})

test('a broker that comes back while it is being removed stays', async () => {
  const { joinedBroker, broker, during, stores } = newCluster()
  const [one, two] = [await joinedBroker(1), await joinedBroker(2)]
  await during(Promise.all([one.beats.stop(), two.beats.stop()]))
  // A member without a lease: it died in the middle of leaving.
  await two.member.release()
  const again = broker(2)
  const { update } = stores.items
  stores.items.update = async (key, change) => {
    if (key.sk !== 'view') return update(key, change)
    stores.items.update = update
    await again.member.join()
    return update(key, change)
  }
  await during(one.member.beat())
  expect(again.member.isServing()).toBe(true)
  expect(membersSeenBy(one)).toEqual([1, 2])
})

test('a broker joins and stays over a network that loses every other answer', async () => {
  const { broker, during, pass } = newCluster()
  const one = broker()
  let lost = false
  const flicker = () => {
    lost = !lost
    one.network.state.trouble = lost ? 'answer lost' : 'none'
  }
  const tried = async (work: () => Promise<void>) => {
    for (;;) {
      flicker()
      try {
        return await during(work())
      } catch {}
    }
  }
  await tried(() => one.member.join())
  for (let beat = 0; beat < 20; beat++) {
    await pass(leaseMs / 8)
    await tried(() => one.member.beat())
    expect(membersSeenBy(one)).toEqual([one.member.nodeId])
  }
})

test('a beat that failed has ended: no write of it comes beside the next one', async () => {
  const { stores, process, during } = newWorld()
  let troubled = false
  let underWay = 0
  const core = process({
    ...stores.items,
    query: (query) =>
      troubled ? Promise.reject(new StoreError('unavailable', 'no route')) : stores.items.query(query),
    async update(key, change) {
      underWay++
      if (troubled) await core.clock.sleep(2_000)
      const written = await stores.items.update(key, change)
      underWay--
      return written
    },
  })
  const member = newMember(core, { host: 'host', port: 9092, leaseMs })
  await during(member.join())
  troubled = true
  await expect(during(member.beat())).rejects.toThrow('no route')
  expect(underWay).toBe(0)
})
