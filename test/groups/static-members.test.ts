import { expect, test } from 'vitest'
import { leaveGroup } from '../../src/groups/leave.ts'
import { committed, errorOf, newConsumer, newsTopic, newWorld, settleAll } from './kit.ts'

function signal() {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}

async function twoStatic() {
  const world = newWorld()
  const core = world.server()
  const topic = await newsTopic(core)
  const [one, two] = [newConsumer(core, { instanceId: 'one' }), newConsumer(core, { instanceId: 'two' })] as const
  await world.during(settleAll([one, two]))
  return { ...world, core, topic, one, two }
}

test('a static member that comes back under a new member id has its partitions and makes no rebalance', async () => {
  const { core, server, one, two, during } = await twoStatic()
  const again = newConsumer(server(), { instanceId: 'one' })
  await during(again.settle())
  expect(again.generation).toBe(1)
  expect(again.memberId).not.toBe(one.memberId)
  expect(again.assigned).toBe(one.assigned)
  expect(await errorOf(two.heartbeat())).toBe('none')
  expect(core).toBe(two.core)
})

test('the process whose slot was taken over is fenced, also its commits', async () => {
  const { core, topic, one, during } = await twoStatic()
  const [owned] = one.owned
  const partition = owned?.partition ?? -1
  await one.commit(topic.id, partition, 1)
  const again = newConsumer(core, { instanceId: 'one' })
  await during(again.join())
  // Before the new process syncs, and after.
  expect(await errorOf(one.commit(topic.id, partition, 5))).toBe('FENCED_INSTANCE_ID')
  await during(again.sync())
  expect(again.owned.find((own) => own.partition === partition)?.committed?.offset).toBe(1)
  expect(await errorOf(one.commit(topic.id, partition, 5))).toBe('FENCED_INSTANCE_ID')
  expect(await errorOf(one.heartbeat())).toBe('FENCED_INSTANCE_ID')
  expect(await one.look()).toBe('fenced')
  expect(await errorOf(during(one.sync()))).toBe('FENCED_INSTANCE_ID')
  expect(await errorOf(during(one.join()))).toBe('FENCED_INSTANCE_ID')
  expect(await committed(core, topic.id, partition)).toBe(1)
  await again.commit(topic.id, partition, 2)
  expect(await committed(core, topic.id, partition)).toBe(2)
})

test('of two processes that start under one instance id at once, the one that lost and died takes nothing away', async () => {
  const { server, stores, during } = newWorld()
  await newsTopic(server())
  const winner = newConsumer(server(), { instanceId: 'one' })
  let settling: Promise<void> | undefined
  let isDead = false
  const loser = newConsumer(
    server({
      ...stores.items,
      update: async (key, update) => {
        if (!/^[mb]\//.test(key.sk)) return stores.items.update(key, update)
        // It has read that nobody is there, and writes when somebody is.
        settling ??= winner.settle()
        await settling
        if (isDead) throw new Error('dead')
        const written = await stores.items.update(key, update)
        isDead ||= !written.applied
        return written
      },
    }),
    { instanceId: 'one' },
  )
  const lost = loser.join({}, 1_000).catch(() => 'dead')
  expect(await during(lost)).toBe('dead')
  expect(await errorOf(winner.heartbeat())).toBe('none')
})

test('a first beat that comes late, after another process has the slot, fences nobody', async () => {
  const { server, stores, one, during } = await twoStatic()
  const late: (() => Promise<unknown>)[] = []
  const slow = newConsumer(
    server({
      ...stores.items,
      update: (key, update) => {
        if (key.sk.startsWith('b/')) late.push(() => stores.items.update(key, update))
        return stores.items.update(key, update)
      },
    }),
    { instanceId: 'one' },
  )
  await during(slow.join())
  const again = newConsumer(server(), { instanceId: 'one' })
  await during(again.settle())
  await Promise.all(late.map((write) => write()))
  expect(await again.look()).toBe('stable')
  await Promise.all(late.map((write) => write()))
  expect(await errorOf(again.heartbeat())).toBe('none')
  expect(await errorOf(slow.heartbeat())).toBe('FENCED_INSTANCE_ID')
  expect(await errorOf(one.heartbeat())).toBe('FENCED_INSTANCE_ID')
})

test('a process that takes a leading slot over just when the round closes leads, and its slot has its partitions', async () => {
  const { server, stores, during } = newWorld()
  await newsTopic(server())
  const written = signal()
  const closed = signal()
  const second = newConsumer(
    server({
      ...stores.items,
      update: async (key, update) => {
        // It is written, and comes too late to be counted.
        if (key.sk === 'group') await closed.promise
        const done = await stores.items.update(key, update)
        if (key.sk.startsWith('m/')) written.resolve()
        return done
      },
    }),
    { instanceId: 'one' },
  )
  let taking: Promise<unknown> | undefined
  const first = newConsumer(
    server({
      ...stores.items,
      update: async (key, update) => {
        if (key.sk.startsWith('r/')) {
          taking ??= second.join()
          await written.promise
        }
        const done = await stores.items.update(key, update)
        if (key.sk === 'group' && taking) closed.resolve()
        return done
      },
    }),
    { instanceId: 'one' },
  )
  await during(errorOf(first.join()))
  await during(taking ?? Promise.reject(new Error('no round was closed')))
  expect(second.generation).toBe(1)
  expect(second.reply.leader).toBe(second.memberId)
  await during(second.sync())
  expect(second.assigned).toBe('news/0 news/1 news/2 news/3')
})

test('a static leader that comes back is told not to assign', async () => {
  const { core, one, two, during } = await twoStatic()
  const leads = one.reply.leader === one.memberId ? 'one' : 'two'
  const again = newConsumer(core, { instanceId: leads })
  const reply = await during(again.join())
  expect(reply).toMatchObject({ skipAssignment: true, leader: again.memberId, generation: 1 })
  expect(reply.members).toHaveLength(2)
  const other = leads === 'one' ? two : one
  expect(await errorOf(other.heartbeat())).toBe('none')
})

test('with other words it does make a rebalance', async () => {
  const { core, two, during } = await twoStatic()
  const again = newConsumer(core, { instanceId: 'one', topics: ['news', 'sports'] })
  const joining = again.join({}, 100)
  await during(core.clock.sleep(50))
  expect(await errorOf(two.heartbeat())).toBe('REBALANCE_IN_PROGRESS')
  await during(Promise.all([joining, two.join()]))
  expect([again.generation, two.generation]).toEqual([2, 2])
})

test('an admin removes a static member by its instance id alone', async () => {
  const { core, one, two, during } = await twoStatic()
  const left = await during(
    leaveGroup(core, 'readers', [
      { memberId: '', instanceId: 'one' },
      { memberId: 'x', instanceId: 'two' },
    ]),
  )
  expect(left.map(({ error }) => error?.error)).toEqual([undefined, 'FENCED_INSTANCE_ID'])
  expect(await errorOf(one.heartbeat())).toBe('UNKNOWN_MEMBER_ID')
  expect(await errorOf(two.heartbeat())).toBe('REBALANCE_IN_PROGRESS')
})

test('a static member that sleeps through a rebalance keeps its place while its session lasts', async () => {
  const { core, two, during } = await twoStatic()
  const one = newConsumer(core, { instanceId: 'one', sessionTimeoutMs: 600_000 })
  await during(one.settle())
  const three = newConsumer(core)
  const joining = three.settle()
  await during(core.clock.sleep(50))
  await during(Promise.all([joining, two.settle()]))
  expect(two.generation).toBe(2)
  const leader = [two, three].find((consumer) => consumer.reply.members.length > 0)
  expect(leader?.reply.members).toHaveLength(3)
  await during(one.settle())
  expect(one.generation).toBe(2)
})
