import { expect, test } from 'vitest'
import { heartbeat, lookAfter } from '../../src/groups/heartbeat.ts'
import type { ItemStore } from '../../src/store/items.ts'
import { allAssigned, errorOf, living, newConsumer, newsTopic, newWorld, settleAll, until } from './kit.ts'

function metered(items: ItemStore) {
  const used = { calls: 0, readUnits: 0, writeUnits: 0 }
  const counting = items.metered((use) => {
    used.calls++
    used.readUnits += use.readUnits
    used.writeUnits += use.writeUnits
  })
  return { counting, used }
}

async function heartbeatIn(members: number) {
  const { server, stores, during } = newWorld()
  const core = server()
  await newsTopic(core, members)
  const all = Array.from({ length: members }, () => newConsumer(core))
  await during(settleAll(all, members))
  const beat = metered(stores.items)
  const look = metered(stores.items)
  for (const consumer of all) {
    await heartbeat({ ...core, items: beat.counting }, consumer.who())
    await lookAfter({ ...core, items: look.counting }, consumer.who())
  }
  const each = ({ used }: typeof beat) => ({
    calls: used.calls / members,
    readUnits: used.readUnits / members,
    writeUnits: used.writeUnits / members,
  })
  return { beat: each(beat), look: each(look) }
}

test('a heartbeat costs the same among 3 and among 60 members; a poll that looks writes nothing', async () => {
  const [few, many] = [await heartbeatIn(3), await heartbeatIn(60)]
  expect(many).toEqual(few)
  expect(few.beat).toEqual({ calls: 2, readUnits: 2, writeUnits: 1 })
  expect(few.look).toEqual({ calls: 1, readUnits: 3, writeUnits: 0 })
})

/** What it costs that one of them leaves: everyone learns of it at a heartbeat, joins, syncs. */
async function rebalanceOf(members: number) {
  const { server, stores, during, clock } = newWorld()
  const { counting, used } = metered(stores.items)
  const core = server(counting)
  await newsTopic(core, members)
  const all = Array.from({ length: members }, () => newConsumer(core))
  await during(settleAll(all, members))
  const [first, ...rest] = all
  if (!first) throw new Error('nobody')
  const before = { ...used }
  await during(first.leave())
  await during(
    Promise.all(
      rest.map(async (consumer) => {
        await clock.sleep(core.random.below(3_000))
        expect(await errorOf(consumer.heartbeat())).toBe('REBALANCE_IN_PROGRESS')
        await consumer.settle(members)
      }),
    ),
  )
  expect(allAssigned(rest)).toHaveLength(members)
  return {
    calls: (used.calls - before.calls) / members,
    units: (used.readUnits - before.readUnits + (used.writeUnits - before.writeUnits)) / members,
  }
}

test('a rebalance costs each member the same, however many they are', async () => {
  const [ten, twenty, forty] = [await rebalanceOf(10), await rebalanceOf(20), await rebalanceOf(40)]
  for (const more of [twenty, forty]) {
    expect(more.calls).toBeLessThan(ten.calls * 1.25)
    expect(more.units).toBeLessThan(ten.units * 1.25)
  }
})

test('300 members on 300 partitions settle, and settle again when one leaves', async () => {
  const members = 300
  const { server, clock, during } = newWorld()
  const servers = [server(), server(), server()]
  const [core] = servers
  if (!core) throw new Error('no server')
  await newsTopic(core, members)
  const all = Array.from({ length: members }, (_, at) => newConsumer(servers[at % 3] ?? core))
  const beganMs = clock.uptime()
  await during(settleAll(all, members))
  // Who comes when the first round has just closed makes another one.
  const lives = all.map((consumer) => living(consumer, 1_000, members))
  const isSettled = (of: typeof all) =>
    new Set(of.map(({ generation }) => generation)).size === 1 && allAssigned(of).length === members
  await during(until(core, () => isSettled(all)))
  const firstMs = clock.uptime() - beganMs
  lives[0]?.die()
  if (all[0]) await during(all[0].leave())
  await during(until(core, () => isSettled(all.slice(1))))
  const secondMs = clock.uptime() - beganMs - firstMs
  for (const life of lives) life.die()
  console.info(`300 members settled in ${Math.round(firstMs)} ms, and again in ${Math.round(secondMs)} ms`)
  expect(firstMs + secondMs).toBeLessThan(30_000)
})
