import { expect, test } from 'vitest'
import { joinGroup } from '../../src/groups/join.ts'
import { syncGroup } from '../../src/groups/sync.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { ItemStore, Written } from '../../src/store/items.ts'
import { allAssigned, committed, errorOf, newConsumer, newsTopic, newWorld, partitionsOf, settleAll } from './kit.ts'

const everything = ['news/0', 'news/1', 'news/2', 'news/3']

/** Treats the n-th write of a group badly; its late copy lands when `late` is called. */
function losing(items: ItemStore, which: number, what: 'answer' | 'request') {
  let count = 0
  const late: (() => Promise<unknown>)[] = []
  const passed = async (write: () => Promise<Written>): Promise<Written> => {
    if (count++ !== which) return write()
    late.push(write)
    if (what === 'answer') await write()
    throw new StoreError('unknown-outcome', 'connection reset')
  }
  const isGroups = (pk: string) => /^(group|groups|offsets)\//.test(pk)
  const network: ItemStore = {
    ...items,
    update: (key, update) => (isGroups(key.pk) ? passed(() => items.update(key, update)) : items.update(key, update)),
    delete: (key, condition) =>
      isGroups(key.pk) ? passed(() => items.delete(key, condition)) : items.delete(key, condition),
    metered: () => network,
  }
  return { network, late: () => Promise.all(late.map((write) => write())), count: () => count }
}

for (const what of ['answer', 'request'] as const) {
  test(`whichever write loses its ${what}, two processes' members settle, commit, and one leaves`, async () => {
    for (let which = 0; ; which++) {
      const { server, stores, during } = newWorld()
      const { network, late, count } = losing(stores.items, which, what)
      const [here, there] = [server(network), server(network)]
      const topic = await newsTopic(here)
      const [one, two] = [newConsumer(here), newConsumer(there)]
      await during(settleAll([one, two]))
      expect(allAssigned([one, two])).toEqual(everything)
      const owner = [one, two].find(({ owned }) => owned.some(({ partition }) => partition === 3))
      // A commit whose copy may still be on its way says so; it is sent again.
      await during(owner?.commit(topic.id, 3, 30).catch(() => owner.commit(topic.id, 3, 30)) ?? Promise.reject())
      await during(one.heartbeat())
      await during(one.leave())
      await during(two.settle())
      expect(allAssigned([two])).toEqual(everything)
      await late()
      expect(await errorOf(during(two.heartbeat()))).toBe('none')
      expect(await committed(here, topic.id, 3)).toBe(30)
      const three = newConsumer(there)
      const settling = three.settle()
      await during(here.clock.sleep(50))
      await during(Promise.all([settling, two.settle()]))
      expect(allAssigned([two, three])).toEqual(everything)
      if (count() <= which) {
        expect(which).toBeGreaterThan(30)
        return
      }
    }
  })
}

test('two rival syncs of a leader make one plan, and everybody sees that one', async () => {
  const { server, during } = newWorld()
  const [here, there] = [server(), server()]
  await newsTopic(here)
  const all = [newConsumer(here), newConsumer(there), newConsumer(there)]
  await during(Promise.all(all.map((consumer) => consumer.join())))
  const leader = all.find(({ reply }) => reply.members.length > 0)
  if (!leader) throw new Error('nobody leads')
  const { members } = leader.reply
  const waiting = { untilUptimeMs: here.clock.uptime() + 60_000 }
  // Each gives everything to another member.
  const rivals = members.map(async ({ memberId }, at) => {
    const assignments = [{ memberId, assignment: new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 0, at]) }]
    return syncGroup(at % 2 ? here : there, { ...leader.who(), assignments }, waiting)
  })
  const followers = all.filter((one) => one !== leader).map((follower) => follower.sync())
  const answers = await during(Promise.all([...rivals, ...followers]))
  const mine = answers.slice(0, rivals.length).map((answer) => (answer === 'pending' ? answer : [...answer.assignment]))
  expect(new Set(mine.map(String)).size).toBe(1)
  const given = [
    mine[0],
    ...answers.slice(rivals.length).map((answer) => answer !== 'pending' && [...answer.assignment]),
  ]
  expect(given.filter((assignment) => Array.isArray(assignment) && assignment.length > 0)).toHaveLength(1)
})

test('a join that lands while another closes the round is in that generation or makes the next, never lost', async () => {
  for (let held = 0; held < 40; held++) {
    const { server, stores, during, clock } = newWorld()
    let count = 0
    // One call of the second server takes long, another one in each run.
    const isSlow = async () => {
      if (count++ === held) await clock.sleep(700)
    }
    const slow: ItemStore = {
      ...stores.items,
      update: async (key, update) => {
        await isSlow()
        return stores.items.update(key, update)
      },
      batchGet: async (keys) => {
        await isSlow()
        return stores.items.batchGet(keys)
      },
      query: async (query) => {
        await isSlow()
        return stores.items.query(query)
      },
    }
    const [here, there] = [server(), server(slow)]
    await newsTopic(here)
    const all = [newConsumer(here), newConsumer(there), newConsumer(here)] as const
    let isOver = false
    const lives = all.map(async (consumer, at) => {
      await clock.sleep(at * 150)
      await consumer.settle()
      while (!isOver) {
        await clock.sleep(1_000)
        if ((await errorOf(consumer.heartbeat())) !== 'none') await consumer.settle()
      }
    })
    await during(clock.sleep(15_000))
    isOver = true
    await during(Promise.all(lives))
    expect(allAssigned(all)).toEqual(everything)
    expect(new Set(all.map(({ generation }) => generation)).size).toBe(1)
  }
})

test('a join whose caller gives up leaves a member that others find dead', async () => {
  const { server, during } = newWorld()
  const core = server()
  const one = newConsumer(core)
  const ended = AbortSignal.abort()
  const request = { group: 'readers', memberId: '', clientId: 'c', clientHost: '/', sessionTimeoutMs: 10_000 }
  const protocols = [{ name: 'range', metadata: new Uint8Array([0, 1]) }]
  const waiting = { untilUptimeMs: core.clock.uptime() + 60_000, signal: ended }
  const given = await joinGroup(
    core,
    { ...request, rebalanceTimeoutMs: 60_000, protocolType: 'consumer', protocols },
    waiting,
  )
  expect(given).toEqual({ pending: { memberId: expect.any(String) } })
  await during(one.settle())
  expect(one.reply.members.length).toBeLessThanOrEqual(2)
  expect(partitionsOf((await during(one.sync())).assignment).length).toBeGreaterThan(0)
})
