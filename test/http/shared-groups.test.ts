import { describe, expect, test } from 'vitest'
import { expireInstances } from '../../src/http/consumers/ending.ts'
import { consumerKey } from '../../src/log/keys.ts'
import { post } from './consumer-kit.ts'
import { at, committed, owned, pollAs, sendTo, servers, settle, subscribed, valuesAs } from './group-kit.ts'

const short = { 'session.timeout.ms': 6_000 }

describe('instances that share a group', () => {
  test('share its partitions, each record once', async () => {
    const { a, b } = await servers(4)
    await subscribed(a, 'i')
    await subscribed(b, 'j')
    const got = await settle(
      [
        [a, 'i'],
        [b, 'j'],
      ],
      4,
    )
    expect([(await owned(a, 'i')).length, (await owned(a, 'j')).length]).toEqual([2, 2])
    expect(got).toEqual([])
    for (const partition of [0, 1, 2, 3]) await sendTo(a, partition, `${partition}a`, `${partition}b`)
    const all = [...(await valuesAs(a, 'i')), ...(await valuesAs(b, 'j'))]
    for (let n = 0; n < 6; n++) all.push(...(await valuesAs(b, 'i', 0)), ...(await valuesAs(a, 'j', 0)))
    expect(all.sort()).toEqual(['0a', '0b', '1a', '1b', '2a', '2b', '3a', '3b'])
  })

  test('a late joiner gets its share, and nothing that stays is handed out twice', async () => {
    const { a, b } = await servers(2)
    await subscribed(a, 'i', { 'auto.commit.enable': false })
    await sendTo(a, 0, 'x')
    await sendTo(a, 1, 'y')
    expect((await valuesAs(a, 'i')).sort()).toEqual(['x', 'y'])
    await subscribed(b, 'j')
    const again = await settle(
      [
        [a, 'i'],
        [b, 'j'],
      ],
      2,
    )
    const kept = (await owned(a, 'i')).map(({ partition }) => partition)
    expect(kept).toHaveLength(1)
    // What went to the other was never committed, and comes again there; what stayed does not.
    expect(again.map(({ partition }) => partition)).toEqual([0, 1].filter((partition) => !kept.includes(partition)))
  })

  test('calls that only read change nothing of an instance while its group rebalances', async () => {
    const { a, b, pass, stores } = await servers(2)
    await subscribed(a, 'i', short)
    await pollAs(a, 'i', 500)
    await subscribed(b, 'j', short)
    await pollAs(b, 'j', 0)
    await pass(2_500)
    const before = await stores.items.get(consumerKey('g', 'i'))
    await owned(a, 'i')
    await committed(b, 'i')
    expect(await stores.items.get(consumerKey('g', 'i'))).toEqual(before)
  })

  test('a dead one’s partitions are taken over by the other’s polls, with what it had not committed', async () => {
    const { a, b, pass } = await servers(2)
    await subscribed(a, 'dies', short)
    await subscribed(b, 'lives', short)
    await settle(
      [
        [a, 'dies'],
        [b, 'lives'],
      ],
      2,
    )
    const [dead] = await owned(a, 'dies')
    await sendTo(a, dead?.partition ?? 0, 'unhandled')
    expect(await valuesAs(a, 'dies')).toEqual(['unhandled'])
    // Both say that they live; then one is heard of no more.
    await pass(3_000)
    await Promise.all([valuesAs(a, 'dies', 0), valuesAs(b, 'lives', 0)])
    await sendTo(a, dead?.partition ?? 0, 'next')
    expect(await valuesAs(a, 'dies')).toEqual(['next'])
    await pass(3_000)
    expect(await valuesAs(b, 'lives', 0)).toEqual([])
    await pass(3_100)
    const got: unknown[] = []
    for (let polls = 0; polls < 10 && got.length < 2; polls++) got.push(...(await valuesAs(b, 'lives')))
    expect(got).toEqual(['unhandled', 'next'])
    expect(await owned(b, 'lives')).toHaveLength(2)
  })

  test('a poll that waits takes over while it waits', async () => {
    const { a, b, clock, pass } = await servers(2)
    await subscribed(a, 'dies', short)
    await subscribed(b, 'lives', short)
    await settle(
      [
        [a, 'dies'],
        [b, 'lives'],
      ],
      2,
    )
    const [dead] = await owned(a, 'dies')
    await sendTo(a, dead?.partition ?? 0, 'left behind')
    await pass(3_000)
    await valuesAs(b, 'lives', 0)
    const beganMs = clock.uptime()
    expect(await valuesAs(b, 'lives', 15_000)).toEqual(['left behind'])
    // It looked while it waited, and waited no longer.
    expect(clock.uptime() - beganMs).toBeGreaterThan(1_000)
    expect(clock.uptime() - beganMs).toBeLessThan(5_000)
  })

  test('one that was thought dead joins again with its next poll', async () => {
    const { a, b, pass } = await servers(2)
    await subscribed(a, 'i', short)
    await subscribed(b, 'j', short)
    await settle(
      [
        [a, 'i'],
        [b, 'j'],
      ],
      2,
    )
    await pass(7_000)
    for (let polls = 0; polls < 10 && (await owned(b, 'j')).length < 2; polls++) await pollAs(b, 'j', 500)
    expect(await owned(b, 'j')).toHaveLength(2)
    await settle(
      [
        [a, 'i'],
        [b, 'j'],
      ],
      2,
    )
  })

  test('one that ends its subscription, or is deleted, gives its partitions back at once', async () => {
    const { a, b } = await servers(2)
    for (const end of [`${at('leaver')}/subscription`, at('leaver')]) {
      await subscribed(a, 'leaver')
      await subscribed(b, 'stays')
      await settle(
        [
          [a, 'leaver'],
          [b, 'stays'],
        ],
        2,
      )
      await a.call('DELETE', end)
      for (let polls = 0; polls < 10 && (await owned(b, 'stays')).length < 2; polls++) await pollAs(b, 'stays', 500)
      expect(await owned(b, 'stays')).toHaveLength(2)
      for (const name of ['leaver', 'stays']) await b.call('DELETE', at(name))
    }
  })

  test('idle ones are removed, and their partitions move', async () => {
    const { a, b, pass } = await servers(2)
    await subscribed(a, 'idle', { 'consumer.instance.timeout.ms': 10_000, 'session.timeout.ms': 60_000 })
    await subscribed(b, 'busy')
    await settle(
      [
        [a, 'idle'],
        [b, 'busy'],
      ],
      2,
    )
    expect(await expireInstances(b.core, 'g')).toBe(0)
    await pass(10_100)
    await pollAs(b, 'busy', 0)
    expect(await expireInstances(b.core, 'g')).toBe(1)
    expect((await a.call('GET', `${at('idle')}/assignments`)).status).toBe(404)
    for (let polls = 0; polls < 10 && (await owned(b, 'busy')).length < 2; polls++) await pollAs(b, 'busy', 500)
    expect(await owned(b, 'busy')).toHaveLength(2)
  })

  test('a poll during a rebalance answers nothing in its time, and the next goes on', async () => {
    const { a, b, clock } = await servers(2)
    await subscribed(a, 'i')
    await pollAs(a, 'i')
    await subscribed(b, 'j')
    // `i` does not come back: `j` has to wait for it.
    const beganMs = clock.uptime()
    expect(await pollAs(b, 'j', 300)).toEqual([])
    expect(await pollAs(b, 'j', 300)).toEqual([])
    expect(clock.uptime() - beganMs).toBeLessThan(1_000)
    await settle(
      [
        [a, 'i'],
        [b, 'j'],
      ],
      2,
    )
  })

  test('the same instance polled through two servers at once is one member', async () => {
    const { a, b } = await servers(2)
    await subscribed(a, 'i')
    await Promise.all([pollAs(a, 'i', 500), pollAs(b, 'i', 500), pollAs(a, 'i', 500)])
    await subscribed(b, 'j')
    await settle(
      [
        [a, 'i'],
        [b, 'j'],
      ],
      2,
    )
    expect([(await owned(a, 'i')).length, (await owned(a, 'j')).length]).toEqual([1, 1])
  })

  test('a commit of a member that is no longer one is 40903 and changes nothing', async () => {
    const { a, b, pass } = await servers(1)
    await subscribed(a, 'old', { ...short, 'auto.commit.enable': 'false' })
    await sendTo(a, 0, 1, 2)
    expect(await valuesAs(a, 'old')).toEqual([1, 2])
    await pass(7_000)
    await subscribed(b, 'new', { ...short, 'auto.commit.enable': 'false' })
    const got: unknown[] = []
    for (let polls = 0; polls < 20 && got.length === 0; polls++) got.push(...(await valuesAs(b, 'new')))
    expect(got).toEqual([1, 2])
    const late = await post(a, `${at('old')}/offsets`, {})
    expect([late.status, (late.json as { error_code: number }).error_code]).toEqual([409, 40903])
    expect(await committed(a, 'new')).toBeUndefined()
    expect((await post(b, `${at('new')}/offsets`)).status).toBe(200)
    expect(await committed(a, 'new')).toBe(2)
  })
})
