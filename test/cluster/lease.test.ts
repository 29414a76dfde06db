import { expect, test } from 'vitest'
import { type Busy, type Held, handOver, isTrusted, newWatch, observe, renew, take } from '../../src/cluster/lease.ts'
import { leaseKey } from '../../src/log/keys.ts'
import { badNetwork, newWorld } from './kit.ts'

const leaseMs = 5_000
const resource = 'p/some-topic/0'

function heldOf(taken: Held | Busy): Held {
  if ('busy' in taken) throw new Error(`busy: ${taken.busy.holder}`)
  return taken
}
const busyBy = (taken: Held | Busy) => ('busy' in taken ? taken.busy.holder : undefined)
const there = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('nothing there')
  return value
}

/** A world with two processes that want the same lease. */
function rivals() {
  const world = newWorld()
  const rival = (holder: string) => {
    const network = badNetwork(world.stores.items)
    const core = world.process(network.items)
    const watch = newWatch()
    return {
      core,
      watch,
      network,
      take: () => take(core, watch, { resource, holder, leaseMs, data: { host: holder } }),
    }
  }
  return { ...world, one: rival('one'), two: rival('two') }
}

test('a free lease is taken by who asks first, and the other is told who has it and for how long', async () => {
  const { one, two } = rivals()
  const [first, second] = await Promise.all([one.take(), two.take()])
  const [held, busy] = 'busy' in first ? [heldOf(second), first] : [first, second]
  expect(held.epoch).toBe(1)
  expect(busyBy(busy)).toBe(held.holder)
  expect(busy).toMatchObject({ overInMs: leaseMs, busy: { data: { host: held.holder } } })
})

test('a lease that is renewed is never over, however long it is watched', async () => {
  const { one, two, pass } = rivals()
  let held = heldOf(await one.take())
  for (let beat = 0; beat < 20; beat++) {
    await pass(leaseMs / 2)
    held = there(await renew(one.core, held))
    expect(busyBy(await two.take())).toBe('one')
  }
})

test('a dead holder is replaced when its lease did not change for its time, and not before', async () => {
  const { one, two, pass } = rivals()
  await one.take()
  // Nobody knows how long ago it was written: watching begins now.
  await pass(60_000)
  expect(await two.take()).toMatchObject({ overInMs: leaseMs })
  await pass(leaseMs - 1)
  expect(await two.take()).toMatchObject({ overInMs: 1 })
  await pass(1)
  expect(heldOf(await two.take()).epoch).toBe(2)
})

test('whoever wakes up after its lease was taken is no holder by its own clock, and cannot renew', async () => {
  const { one, two, pass } = rivals()
  const held = heldOf(await one.take())
  await two.take()
  await pass(leaseMs)
  await two.take()
  expect(isTrusted(one.core, held)).toBe(false)
  expect(await renew(one.core, held)).toBeUndefined()
  expect(busyBy(await one.take())).toBe('two')
})

test('a holder trusts its lease for less than anybody waits for it, counted from when it sent its beat', async () => {
  const { one, two, pass, stores, process, during } = rivals()
  // Its answer takes four seconds.
  const slow = process({
    ...stores.items,
    update: async (key, update) => {
      const written = await stores.items.update(key, update)
      await pass(4_000)
      return written
    },
  })
  const held = heldOf(await during(take(slow, newWatch(), { resource, holder: 'slow', leaseMs })))
  expect(isTrusted(slow, held)).toBe(true)
  await pass(499)
  expect(isTrusted(slow, held)).toBe(true)
  await pass(1)
  expect(isTrusted(slow, held)).toBe(false)
  expect(busyBy(await two.take())).toBe('slow')
  expect(busyBy(await one.take())).toBe('slow')
})

test('a lease that is handed over is free at once, with a greater epoch', async () => {
  const { one, two } = rivals()
  const held = heldOf(await one.take())
  expect(busyBy(await two.take())).toBe('one')
  await handOver(one.core, held)
  expect(await observe(two.core, two.watch, resource)).toBe('free')
  expect(heldOf(await two.take()).epoch).toBe(2)
  // Too late: it is another's.
  await handOver(one.core, held)
  expect(busyBy(await one.take())).toBe('two')
})

test('a renewal whose answer is lost is settled by the next', async () => {
  const { one, two, pass } = rivals()
  const held = heldOf(await one.take())
  await pass(2_000)
  one.network.state.trouble = 'answer lost'
  await expect(renew(one.core, held)).rejects.toThrow('time-out')
  one.network.state.trouble = 'none'
  await pass(2_000)
  const renewed = there(await renew(one.core, held))
  expect(renewed.epoch).toBe(1)
  expect(renewed.beat).toBeGreaterThan(held.beat)
  expect(renewed.trustedUntilMs - held.trustedUntilMs).toBe(4_000)
  expect(busyBy(await two.take())).toBe('one')
})

test('a store that cannot be reached leaves the lease as trusted as it was', async () => {
  const { one, pass } = rivals()
  const held = heldOf(await one.take())
  one.network.state.trouble = 'unreachable'
  await expect(renew(one.core, held)).rejects.toThrow('no route')
  expect(isTrusted(one.core, held)).toBe(true)
  await pass(leaseMs)
  expect(isTrusted(one.core, held)).toBe(false)
})

test('a take whose answer is lost is found by the same claim, and by nobody else', async () => {
  const { one, two } = rivals()
  one.network.state.trouble = 'answer lost'
  await expect(one.take()).rejects.toThrow('time-out')
  one.network.state.trouble = 'none'
  expect(busyBy(await two.take())).toBe('one')
  const held = heldOf(await one.take())
  expect(isTrusted(one.core, held)).toBe(true)
  expect(held.epoch).toBe(2)
})

test('copies that come late change nothing', async () => {
  const { one, two, stores, pass } = rivals()
  one.network.state.trouble = 'answer lost'
  await expect(one.take()).rejects.toThrow()
  one.network.state.trouble = 'none'
  const held = heldOf(await one.take())
  one.network.state.trouble = 'request lost'
  await expect(renew(one.core, held)).rejects.toThrow()
  await expect(handOver(one.core, held)).rejects.toThrow()
  one.network.state.trouble = 'none'
  const again = heldOf(await one.take())
  for (const copy of one.network.late) expect((await copy()).applied).toBe(false)
  await handOver(one.core, again)
  expect(heldOf(await two.take()).epoch).toBe(again.epoch + 1)
  await pass(leaseMs)
  const before = await stores.items.get(leaseKey(resource))
  for (const copy of one.network.late) expect((await copy()).applied).toBe(false)
  expect(await stores.items.get(leaseKey(resource))).toEqual(before)
})

test('a renewal that comes late does not bring back a lease that was handed over', async () => {
  const { one, two } = rivals()
  const held = heldOf(await one.take())
  one.network.state.trouble = 'request lost'
  await expect(renew(one.core, held)).rejects.toThrow()
  one.network.state.trouble = 'none'
  await handOver(one.core, held)
  for (const copy of one.network.late) await copy()
  expect(heldOf(await two.take()).epoch).toBe(2)
})

test('of many that see a lease run out, one gets it', async () => {
  const { one, process, pass } = rivals()
  await one.take()
  const crowd = Array.from({ length: 20 }, (_, nth) => ({ core: process(), watch: newWatch(), holder: `${nth}` }))
  const all = () =>
    Promise.all(crowd.map(({ core, watch, holder }) => take(core, watch, { resource, holder, leaseMs })))
  await all()
  await pass(leaseMs)
  const taken = await all()
  expect(taken.filter((one) => !('busy' in one)).length).toBe(1)
})
