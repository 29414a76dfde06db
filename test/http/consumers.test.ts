import { describe, expect, test } from 'vitest'
import { base, create, earliest, partitions, post, reader, send, values } from './consumer-kit.ts'
import { type Call, failed, makeTopic, newServer, serverOver, twoServers, v2 } from './kit.ts'

describe('a consumer instance', () => {
  test('is created by one server and known to the other', async () => {
    const { a, b } = twoServers()
    const made = await create(a, { name: 'i' })
    expect(made.status).toBe(200)
    expect(made.headers['content-type']).toBe(v2)
    expect(made.json).toEqual({ instance_id: 'i', base_uri: `https://log.example${base}` })
    expect((await b.call('GET', `${base}/assignments`)).json).toEqual({ partitions: [] })
  })

  test('gets a name of its own where none is given, with or without a body', async () => {
    const server = newServer()
    const names = await Promise.all([undefined, {}, { name: null }].map((body) => create(server, body)))
    const ids = names.map(({ json }) => (json as { instance_id: string }).instance_id)
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect(id).toMatch(/^rest-consumer-[0-9a-f]{32}$/)
  })

  test('whose name is taken is 40902, in this group only, until it is deleted', async () => {
    const { a, b, stores } = twoServers()
    await create(a, { name: 'i' })
    const before = stores.writes.length
    expect(failed(await create(b, { name: 'i' }))).toBe('409 40902')
    expect(stores.writes.length).toBe(before)
    expect((await post(b, '/consumers/other', { name: 'i' })).status).toBe(200)
    expect(await b.call('DELETE', base)).toMatchObject({ status: 204, text: '' })
    expect((await create(a, { name: 'i' })).status).toBe(200)
  })

  test('of two that ask for one name at once, one gets it', async () => {
    const { a, b } = twoServers()
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => create(n % 2 ? a : b, { name: 'i' })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(409)])
  })

  test('unused for five minutes leaves its name to whoever asks for it', async () => {
    const { a, b } = await reader()
    await send(a, 1)
    expect(await values(a)).toEqual([1])
    let ahead = 0
    const late = serverOver({ ...b.core, clock: { ...b.core.clock, now: () => Date.now() + ahead } })
    ahead = 200_000
    expect(await values(late)).toEqual([])
    ahead = 400_000
    expect(failed(await create(late, earliest))).toBe('409 40902')
    ahead = 600_000
    expect((await create(late, earliest)).status).toBe(200)
    expect((await late.call('GET', `${base}/assignments`)).json).toEqual({ partitions: [] })
  })

  test('that does not exist is 40403 to every call', async () => {
    const { a, stores } = twoServers()
    await makeTopic(a, 't')
    const before = stores.writes.length
    const calls: [method: string, path: string, body?: unknown][] = [
      ['DELETE', ''],
      ['GET', '/subscription'],
      ['POST', '/subscription', { topics: ['t'] }],
      ['DELETE', '/subscription'],
      ['GET', '/assignments'],
      ['POST', '/assignments', { partitions }],
      ['POST', '/positions', { offsets: [{ topic: 't', partition: 0, offset: 0 }] }],
      ['POST', '/positions/beginning', { partitions }],
      ['POST', '/positions/end', { partitions }],
      ['GET', '/offsets', { partitions }],
      ['POST', '/offsets', {}],
      ['GET', '/records'],
    ]
    for (const [method, path, body] of calls) {
      const answer = await a.call(method, `${base}${path}`, body === undefined ? {} : { body, type: v2 })
      expect([method, path, failed(answer)]).toEqual([method, path, '404 40403'])
    }
    expect(stores.writes.length).toBe(before)
  })

  const refused: [what: string, expected: string, body: unknown, type?: string][] = [
    ['bad JSON', '400 400', '{'],
    ['an unknown setting', '422 422', { more: 1 }],
    ['a setting that is no text', '422 422', { format: {} }],
    ['an empty name', '422 422', { name: '' }],
    ['a name with a slash', '422 422', { name: 'a/b' }],
    ['a name that is a path', '422 422', { name: '..' }],
    ['an endless name', '422 422', { name: 'é'.repeat(200) }],
    ['an unknown format', '422 42204', { format: 'xml' }],
    ['avro', '422 42204', { format: 'avro' }],
    ['an unknown reset', '422 42204', { 'auto.offset.reset': 'never' }],
    ['auto commit that is neither on nor off', '422 42204', { 'auto.commit.enable': 'perhaps' }],
    ['auto commit by its other key', '422 42204', { 'enable.auto.commit': 1 }],
    ['auto commit at no interval', '422 42204', { 'auto.commit.interval.ms': 0 }],
    ['a session shorter than allowed', '422 42204', { 'session.timeout.ms': 5_999 }],
    ['a session longer than allowed', '422 42204', { 'session.timeout.ms': 1_800_001 }],
    ['an unknown strategy', '422 42204', { 'partition.assignment.strategy': 'cooperative-sticky' }],
    ['fetch.min.bytes that is no number', '422 42204', { 'fetch.min.bytes': 'x' }],
    ['fetch.min.bytes out of range', '422 40001', { 'fetch.min.bytes': 10_000_001 }],
    ['a time-out of nothing', '422 42204', { 'consumer.request.timeout.ms': 0 }],
    ['a wrong Content-Type', '415 415', {}, 'text/plain'],
  ]
  test.each(refused)('with %s is %s and is not made', async (_what, expected, body, type = v2) => {
    const { a, stores } = twoServers()
    expect(failed(await a.call('POST', '/consumers/g', { body, type }))).toBe(expected)
    expect(stores.writes).toEqual([])
  })

  test('is made with settings as text or as what they are', async () => {
    const server = newServer()
    const settings = {
      'auto.commit.enable': false,
      'enable.auto.commit': 'false',
      'fetch.min.bytes': '-1',
      'consumer.request.timeout.ms': 500,
      'auto.commit.interval.ms': '100',
      'session.timeout.ms': 6_000,
      'max.poll.interval.ms': 1_000,
      'consumer.instance.timeout.ms': '60000',
      'partition.assignment.strategy': 'org.apache.kafka.clients.consumer.RoundRobinAssignor, range',
    }
    expect((await create(server, { ...earliest, ...settings })).status).toBe(200)
  })
})

describe('assignments', () => {
  test('replace those before; partitions that stay keep their positions', async () => {
    const { a, b } = await reader()
    await send(a, 1, 2)
    expect(await values(b)).toEqual([1, 2])
    const both = [...partitions, { topic: 't', partition: 1 }, ...partitions]
    await post(a, `${base}/assignments`, { partitions: both })
    expect((await b.call('GET', `${base}/assignments`)).json).toEqual({ partitions: both.slice(0, 2) })
    expect(await values(b)).toEqual([])
    await post(b, `${base}/assignments`, { partitions: both.slice(1, 2) })
    await post(b, `${base}/assignments`, { partitions })
    expect(await values(a)).toEqual([1, 2])
  })

  const refused: [what: string, expected: string, call: Call][] = [
    ['a missing topic', '404 40401', { body: { partitions: [...partitions, { topic: 'no', partition: 0 }] } }],
    ['a missing partition', '404 40402', { body: { partitions: [...partitions, { topic: 't', partition: 9 }] } }],
    ['no partitions', '422 422', { body: {} }],
    ['a partition without a topic', '422 422', { body: { partitions: [{ partition: 0 }] } }],
    ['an unknown field', '422 422', { body: { partitions, more: 1 } }],
    ['bad JSON', '400 400', { body: '{' }],
    ['a wrong Content-Type', '415 415', { body: { partitions }, type: 'text/plain' }],
  ]
  test.each(refused)('with %s are %s and change nothing', async (_what, expected, call) => {
    const { a, stores } = await reader()
    const before = stores.writes.length
    expect(failed(await a.call('POST', `${base}/assignments`, { type: v2, ...call }))).toBe(expected)
    expect(stores.writes.length).toBe(before)
    expect((await a.call('GET', `${base}/assignments`)).json).toEqual({ partitions })
  })
})
