import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/store/errors.ts'
import { earliest, post } from './consumer-kit.ts'
import { at, committed, pollAs, sendTo, servers, subscribed, valuesAs } from './group-kit.ts'

/** Both ways to come by partitions: auto commit is the same for both. */
const ways = [
  ['subscribed', '/subscription', { topics: ['t'] }],
  ['assigned', '/assignments', { partitions: [{ topic: 't', partition: 0 }] }],
] as const

describe.each(ways)('auto commit of what is %s', (_what, path, body) => {
  const reading = async (options: object = {}) => {
    const all = await servers(1)
    await post(all.a, '/consumers/g', { ...earliest, name: 'i', ...options })
    await post(all.b, `${at('i')}${path}`, body)
    await sendTo(all.a, 0, 1, 2, 3)
    expect(await valuesAs(all.a, 'i', 2_000, { max_bytes: '2' })).toEqual([1, 2])
    return all
  }

  test('is made by a poll, of what earlier ones handed out, once its interval has passed', async () => {
    const { a, b, pass } = await reading()
    expect(await valuesAs(b, 'i', 0)).toEqual([3])
    expect(await committed(a, 'i')).toBeUndefined()
    await pass(5_100)
    await sendTo(a, 0, 4)
    expect(await valuesAs(a, 'i', 0)).toEqual([4])
    expect(await committed(b, 'i')).toBe(3)
    await valuesAs(b, 'i', 0)
    expect(await committed(b, 'i')).toBe(3)
    await pass(5_100)
    await valuesAs(b, 'i', 0)
    expect(await committed(a, 'i')).toBe(4)
  })

  test('is made when the instance is deleted', async () => {
    const { a, b } = await reading()
    await a.call('DELETE', at('i'))
    await post(b, '/consumers/g', { ...earliest, name: 'next' })
    expect(await committed(b, 'next')).toBe(2)
  })

  test('is made when the subscription ends', async () => {
    const { a, b } = await reading()
    await b.call('DELETE', `${at('i')}/subscription`)
    expect(await committed(a, 'i')).toBe(2)
  })

  test('is not made where it was turned off, by either key', async () => {
    for (const off of [{ 'auto.commit.enable': 'false' }, { 'enable.auto.commit': false }]) {
      const { a, pass } = await reading(off)
      await pass(60_000)
      await valuesAs(a, 'i', 0)
      expect(await committed(a, 'i')).toBeUndefined()
    }
  })

  test('has the interval that was asked for', async () => {
    const { a, pass } = await reading({ 'auto.commit.interval.ms': 1_000 })
    await pass(1_100)
    await valuesAs(a, 'i', 0)
    expect(await committed(a, 'i')).toBe(2)
  })

  test('writes nothing more for polls that find nothing, until the heartbeat is due', async () => {
    const { a, b, pass, stores } = await reading()
    await valuesAs(a, 'i', 0)
    await pass(5_100)
    await valuesAs(b, 'i', 0)
    const before = stores.writes.length
    for (let polls = 0; polls < 10; polls++) {
      await pass(5_100)
      await pollAs(polls % 2 ? a : b, 'i', 0)
    }
    expect(stores.writes.length - before).toBeLessThanOrEqual(1)
  })

  test('that the store refuses does not keep records back, and is made later', async () => {
    const { a, b, pass, stores } = await reading()
    await pass(5_100)
    stores.trouble = (moment, call, key) => {
      if (moment === 'before' && call === 'update' && key?.pk.startsWith('offsets/')) {
        throw new StoreError('misconfigured', 'no')
      }
    }
    expect(await valuesAs(a, 'i', 0)).toEqual([3])
    stores.trouble = () => {}
    await pass(5_100)
    await valuesAs(b, 'i', 0)
    expect(await committed(a, 'i')).toBe(3)
  })
})

describe('what was handed out and not committed', () => {
  test('comes again to whoever reads on, after a client that died', async () => {
    const { a, b, pass } = await servers(1)
    await subscribed(a, 'dies', { 'session.timeout.ms': 6_000 })
    await sendTo(a, 0, 1, 2, 3)
    expect(await valuesAs(a, 'dies')).toEqual([1, 2, 3])
    await subscribed(b, 'lives', { 'session.timeout.ms': 6_000 })
    await pass(6_100)
    const got: unknown[] = []
    for (let polls = 0; polls < 20 && got.length === 0; polls++) got.push(...(await valuesAs(b, 'lives')))
    expect(got).toEqual([1, 2, 3])
  })
})

test('a member that polls beats once in a third of its session, and with calls that are no polls', async () => {
  const { a, b, pass, stores } = await servers(1)
  await subscribed(a, 'i', { 'session.timeout.ms': 30_000, 'auto.commit.enable': false })
  await valuesAs(a, 'i', 200)
  const before = stores.writes.length
  await pass(9_000)
  await valuesAs(b, 'i', 0)
  expect(stores.writes.length).toBe(before)
  await pass(1_100)
  await valuesAs(b, 'i', 0)
  // The beat, and that it was written.
  expect(stores.writes.length).toBe(before + 2)
  await valuesAs(a, 'i', 0)
  expect(stores.writes.length).toBe(before + 2)
  await pass(10_100)
  await a.call('GET', `${at('i')}/assignments`)
  expect(stores.writes.length).toBe(before + 4)
})
