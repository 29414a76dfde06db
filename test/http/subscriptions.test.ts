import { describe, expect, test } from 'vitest'
import { increasePartitions } from '../../src/log/alter-topic.ts'
import { earliest, post, values } from './consumer-kit.ts'
import { at, committed, owned, pollAs, sendTo, servers, subscribed, valuesAs } from './group-kit.ts'
import { failed, makeTopic, produceJson } from './kit.ts'

describe('a subscription', () => {
  test('gives an instance its partitions and their records with the first poll', async () => {
    const { a, b } = await servers()
    await sendTo(a, 0, 'x')
    await sendTo(a, 1, 'y')
    await subscribed(a, 'i')
    expect((await valuesAs(b, 'i')).sort()).toEqual(['x', 'y'])
    expect(await owned(a, 'i')).toHaveLength(2)
    await sendTo(a, 0, 'z')
    expect(await valuesAs(a, 'i')).toEqual(['z'])
  })

  test('is given back as it is, and nothing once it has ended', async () => {
    const { a, b } = await servers()
    await subscribed(a, 'i', {}, { topics: ['t', 'later', 't'] })
    expect((await b.call('GET', `${at('i')}/subscription`, { body: {} })).json).toEqual({ topics: ['later', 't'] })
    expect((await b.call('DELETE', `${at('i')}/subscription`, { body: {} })).status).toBe(204)
    expect((await a.call('GET', `${at('i')}/subscription`)).json).toEqual({ topics: [] })
    expect((await b.call('DELETE', `${at('i')}/subscription`)).status).toBe(204)
  })

  test('to a topic that does not exist yet reads it once it does', async () => {
    const { a, b, pass } = await servers()
    await subscribed(a, 'i', {}, { topics: ['later'] })
    expect(await valuesAs(a, 'i', 200)).toEqual([])
    await makeTopic(a, 'later')
    await produceJson(b, '/topics/later', [{ value: 1 }])
    await pass(61_000)
    expect(await valuesAs(b, 'i', 5_000)).toEqual([1])
  })

  test('by a pattern reads all topics whose whole name matches, also those that come later', async () => {
    const { a, b, pass } = await servers()
    for (const name of ['orders', 'orders.eu', 'old-orders']) {
      await makeTopic(a, name)
      await produceJson(a, `/topics/${name}`, [{ value: name }])
    }
    await subscribed(a, 'i', {}, { topic_pattern: 'orders(\\..*)?' })
    expect((await a.call('GET', `${at('i')}/subscription`)).json).toEqual({ topics: ['orders', 'orders.eu'] })
    expect((await valuesAs(b, 'i')).sort()).toEqual(['orders', 'orders.eu'])
    await makeTopic(a, 'orders.us')
    await produceJson(a, '/topics/orders.us', [{ value: 'us' }])
    expect(await valuesAs(b, 'i', 0)).toEqual([])
    await pass(61_000)
    expect(await valuesAs(b, 'i', 5_000)).toEqual(['us'])
  })

  test('goes on with partitions that are added to its topics', async () => {
    const { a, b, pass } = await servers(1)
    await subscribed(a, 'i')
    await valuesAs(a, 'i', 200)
    await increasePartitions(b.core, 't', 3)
    await sendTo(b, 2, 'new')
    await pass(61_000)
    expect(await valuesAs(a, 'i', 5_000)).toEqual(['new'])
    expect(await owned(b, 'i')).toHaveLength(3)
  })

  test('instead of another reads the new topics and no longer the old ones', async () => {
    const { a, b } = await servers(1)
    await makeTopic(a, 'u')
    await subscribed(a, 'i')
    await sendTo(a, 0, 1)
    expect(await valuesAs(a, 'i')).toEqual([1])
    expect((await post(b, `${at('i')}/subscription`, { topics: ['u'] })).status).toBe(204)
    await sendTo(a, 0, 2)
    await produceJson(a, '/topics/u', [{ value: 'u' }])
    expect(await valuesAs(b, 'i')).toEqual(['u'])
    expect(await committed(a, 'i')).toBe(1)
  })

  test('without topics and pattern changes nothing; of both, the topics count', async () => {
    const { a, b } = await servers(1)
    await subscribed(a, 'i', {}, {})
    await subscribed(a, 'j', {}, { topics: [], topic_pattern: null })
    await subscribed(a, 'k', {}, { topics: ['t'], topic_pattern: 'x.*' })
    for (const [name, topics] of [
      ['i', []],
      ['j', []],
      ['k', ['t']],
    ] as const) {
      expect((await b.call('GET', `${at(name)}/subscription`)).json).toEqual({ topics })
    }
    expect(await pollAs(a, 'i', 0)).toEqual([])
  })

  test('mixed with an assignment, or a pattern with topics, is 40903', async () => {
    const { a, b } = await servers(1)
    const assign = (name: string) => post(b, `${at(name)}/assignments`, { partitions: [{ topic: 't', partition: 0 }] })
    await subscribed(a, 'i')
    expect(failed(await assign('i'))).toBe('409 40903')
    expect(failed(await post(b, `${at('i')}/subscription`, { topic_pattern: 't' }))).toBe('409 40903')
    await post(a, '/consumers/g', { ...earliest, name: 'j' })
    await assign('j')
    expect(failed(await post(b, `${at('j')}/subscription`, { topics: ['t'] }))).toBe('409 40903')
    expect((await a.call('DELETE', `${at('j')}/subscription`)).status).toBe(204)
    expect((await post(b, `${at('j')}/subscription`, { topics: ['t'] })).status).toBe(204)
    expect((await a.call('DELETE', `${at('i')}/subscription`)).status).toBe(204)
    expect((await assign('i')).status).toBe(204)
  })

  const refused: [what: string, expected: string, body: unknown][] = [
    ['a name that no topic can have', '400 40002', { topics: ['t', 'a/b'] }],
    ['a pattern that is none', '422 422', { topic_pattern: '(' }],
    ['topics that are no list', '422 422', { topics: 't' }],
    ['an unknown field', '422 422', { topics: ['t'], more: 1 }],
    ['bad JSON', '400 400', '{'],
  ]
  test.each(refused)('with %s is %s and changes nothing', async (_what, expected, body) => {
    const { a, stores } = await servers(1)
    await subscribed(a, 'i')
    const before = stores.writes.length
    expect(failed(await post(a, `${at('i')}/subscription`, body))).toBe(expected)
    expect(stores.writes.length).toBe(before)
  })

  test('owned partitions can be sought, others are 40903', async () => {
    const { a, b } = await servers(1)
    await subscribed(a, 'i')
    await sendTo(a, 0, 1, 2, 3)
    const partitions = [{ topic: 't', partition: 0 }]
    expect(failed(await post(b, `${at('i')}/positions/beginning`, { partitions }))).toBe('409 40903')
    expect(await valuesAs(a, 'i')).toEqual([1, 2, 3])
    expect((await post(b, `${at('i')}/positions/beginning`, { partitions })).status).toBe(204)
    expect(await valuesAs(a, 'i')).toEqual([1, 2, 3])
    expect((await post(b, `${at('i')}/positions`, { offsets: [{ ...partitions[0], offset: 2 }] })).status).toBe(204)
    expect(await valuesAs(b, 'i')).toEqual([3])
    expect((await post(b, `${at('i')}/positions/end`, { partitions })).status).toBe(204)
    expect(await valuesAs(b, 'i', 0)).toEqual([])
  })

  test('an instance that is created over an idle one starts without its subscription', async () => {
    const { a, b, pass } = await servers(1)
    await subscribed(a, 'i')
    await valuesAs(a, 'i', 200)
    await pass(301_000)
    expect((await post(b, '/consumers/g', { ...earliest, name: 'i' })).status).toBe(200)
    expect((await b.call('GET', `${at('i')}/subscription`)).json).toEqual({ topics: [] })
    expect(await values(b, { timeout: '0' }, at('i'))).toEqual([])
  })
})
