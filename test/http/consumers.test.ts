import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/store/errors.ts'
import {
  binaryType,
  type Call,
  failed,
  jsonType,
  makeTopic,
  newServer,
  produceJson,
  type Server,
  serverOver,
  twoServers,
  v2,
} from './kit.ts'

const base = '/consumers/g/instances/i'
const earliest = { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' }
const partitions = [{ topic: 't', partition: 0 }]

const post = (server: Server, path: string, body?: unknown) =>
  server.call('POST', path, body === undefined ? {} : { body, type: v2 })
const create = (server: Server, body: unknown) => post(server, '/consumers/g', body)
const poll = (server: Server, query: Record<string, string> = { timeout: '0' }, at = base) =>
  server.call('GET', `${at}/records`, { query, accept: jsonType })
const values = async (server: Server, query?: Record<string, string>, at = base) =>
  ((await poll(server, query, at)).json as { value: unknown }[]).map(({ value }) => value)
const send = (server: Server, ...sent: unknown[]) =>
  produceJson(
    server,
    '/topics/t/partitions/0',
    sent.map((value) => ({ value })),
  )

/** Two servers, topic `t`, and an instance with its partition 0 assigned. */
async function reader(options: object = earliest) {
  const servers = twoServers()
  await makeTopic(servers.a, 't', 2)
  await create(servers.a, options)
  expect((await post(servers.b, `${base}/assignments`, { partitions })).status).toBe(204)
  return servers
}

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
    ['auto commit', '422 42204', { 'auto.commit.enable': 'true' }],
    ['auto commit by its other key', '422 42204', { 'enable.auto.commit': true }],
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

describe('polling', () => {
  test('hands out every record once, whichever server is asked', async () => {
    const { a, b } = await reader()
    await send(a, 1, 2)
    const first = await poll(b)
    expect(first.headers['content-type']).toBe(jsonType)
    expect(first.json).toMatchObject([
      { topic: 't', key: null, value: 1, partition: 0, offset: 0, headers: [] },
      { value: 2, offset: 1 },
    ])
    await send(b, 3)
    expect(await values(a)).toEqual([3])
    expect(await values(b)).toEqual([])
  })

  test('of many servers at once hands out every record once, in order', async () => {
    const { a, b } = await reader()
    const sent = Array.from({ length: 40 }, (_, n) => n)
    await send(a, ...sent)
    const got: unknown[] = []
    for (let round = 0; round < 40 && got.length < 40; round++) {
      const rivals = await Promise.all([a, b, a, b].map((server) => values(server, { timeout: '0', max_bytes: '6' })))
      got.push(...rivals.flat().sort((x, y) => Number(x) - Number(y)))
    }
    expect(got).toEqual(sent)
  })

  test('writes nothing where there is nothing new', async () => {
    const { a, b, stores } = await reader()
    await send(a, 1)
    await values(a)
    const before = stores.writes.length
    expect(await values(a)).toEqual([])
    expect(await values(b)).toEqual([])
    expect(stores.writes.length).toBe(before)
  })

  test('waits for a record, and answers as soon as it comes', async () => {
    const { a, b } = await reader()
    const waiting = values(a, { timeout: '20000' })
    await send(b, 1)
    expect(await waiting).toEqual([1])
  })

  test('without a partition is empty', async () => {
    const server = newServer()
    await create(server, earliest)
    expect((await poll(server)).json).toEqual([])
  })

  test('from the latest loses nothing that comes between two empty polls', async () => {
    const { a, b } = await reader({ name: 'i', format: 'json' })
    await send(a, 'before')
    expect(await values(a)).toEqual([])
    await send(a, 'after')
    expect(await values(b)).toEqual(['after'])
  })

  test('stops before max_bytes, but always gives one record', async () => {
    const { a } = await reader()
    await send(a, 'aa', 'bb', 'cc')
    expect(await values(a, { timeout: '0', max_bytes: '9' })).toEqual(['aa', 'bb'])
    expect(await values(a, { timeout: '0', max_bytes: '1' })).toEqual(['cc'])
  })

  test('takes turns between partitions, so that none starves', async () => {
    const { a, b } = await reader()
    await post(a, `${base}/assignments`, { partitions: [...partitions, { topic: 't', partition: 1 }] })
    for (const partition of [0, 1]) {
      await produceJson(
        a,
        `/topics/t/partitions/${partition}`,
        Array.from({ length: 60 }, () => ({ value: partition })),
      )
    }
    const seen = new Set<unknown>()
    for (let n = 0; n < 60 && seen.size < 2; n++)
      for (const value of await values(b, { timeout: '0', max_bytes: '1' })) seen.add(value)
    expect(seen.size).toBe(2)
  })

  test('in another form than the instance’s is 40601, in none of ours 406', async () => {
    const { a } = await reader()
    await send(a, 1)
    const asking = async (accept: string) => a.call('GET', `${base}/records`, { accept, query: { timeout: '0' } })
    expect(failed(await asking(binaryType))).toBe('406 40601')
    expect(failed(await asking('application/vnd.kafka.avro.v2+json'))).toBe('406 40601')
    expect(failed(await asking('text/html'))).toBe('406 406')
    expect((await asking(v2)).headers['content-type']).toBe(jsonType)
  })

  test('a binary instance gives base64', async () => {
    const { a } = await reader({ ...earliest, format: 'binary' })
    await send(a, 'x')
    const answer = await a.call('GET', `${base}/records`, { query: { timeout: '0' } })
    expect(answer.headers['content-type']).toBe(binaryType)
    expect(answer.json).toMatchObject([{ value: Buffer.from('"x"').toString('base64') }])
  })

  test('a record that is not JSON is named, and nothing moves past it unseen', async () => {
    const { a } = await reader()
    await send(a, 1)
    await a.call('POST', '/topics/t/partitions/0', {
      body: { records: [{ value: 'fg==' }, { value: 'Mg==' }] },
      type: binaryType,
    })
    expect(await values(a)).toEqual([1])
    expect(failed(await poll(a))).toBe('422 42203')
    expect(failed(await poll(a))).toBe('422 42203')
    await post(a, `${base}/positions`, { offsets: [{ topic: 't', partition: 0, offset: 2 }] })
    expect(await values(a)).toEqual([2])
  })

  test('a deleted topic gives nothing, and the one made anew is read from its start', async () => {
    const { a, b } = await reader()
    await send(a, 1, 2, 3)
    expect(await values(b)).toEqual([1, 2, 3])
    const id = /"cluster_id":"([^"]+)"/.exec((await a.call('GET', '/v3/clusters')).text)?.[1]
    await a.call('DELETE', `/v3/clusters/${id}/topics/t`)
    expect((await poll(b)).json).toEqual([])
    await makeTopic(a, 't')
    await send(a, 'n1', 'n2', 'n3', 'n4')
    expect(await values(b, { timeout: '1000' })).toEqual(['n1', 'n2', 'n3', 'n4'])
  })

  test('bad numbers are 40002', async () => {
    const { a } = await reader()
    expect(failed(await poll(a, { timeout: 'x' }))).toBe('400 40002')
    expect(failed(await poll(a, { max_bytes: '1k' }))).toBe('400 40002')
  })

  test('when the store’s answer is lost the positions still move once, and with the records', async () => {
    const { a, b, stores } = await reader()
    await send(a, 1, 2)
    let lost = 0
    stores.trouble = (moment, call, key) => {
      if (moment !== 'after' || call !== 'update' || !key?.pk.startsWith('consumer/') || lost++ > 0) return
      throw new StoreError('unknown-outcome', 'no answer')
    }
    expect(await values(a)).toEqual([1, 2])
    expect(lost).toBe(2)
    expect(await values(b)).toEqual([])
  })

  test('when the store refuses to move the positions, the records stay for the next poll', async () => {
    const { a, b, stores } = await reader()
    await send(a, 1)
    stores.trouble = (moment, call, key) => {
      if (moment === 'before' && call === 'update' && key?.pk.startsWith('consumer/'))
        throw new StoreError('throttled', '')
    }
    expect(failed(await poll(a))).toBe('503 50003')
    stores.trouble = () => {}
    expect(await values(b)).toEqual([1])
  })
})

describe('positions', () => {
  const at = (offset: number) => ({ offsets: [{ topic: 't', partition: 0, offset }] })

  test('go to an offset, the beginning and the end', async () => {
    const { a, b } = await reader()
    await send(a, 1, 2, 3)
    expect(await post(a, `${base}/positions`, at(1))).toMatchObject({ status: 204, text: '' })
    expect(await values(b)).toEqual([2, 3])
    await post(b, `${base}/positions/beginning`, { partitions })
    expect(await values(a)).toEqual([1, 2, 3])
    await post(a, `${base}/positions/beginning`, { partitions })
    await post(a, `${base}/positions/end`, { partitions })
    await send(a, 4)
    expect(await values(b)).toEqual([4])
  })

  test('go to the first record at or after a time, to the end where there is none', async () => {
    const { a } = await reader()
    const times = ['2021-02-05T10:00:00Z', '2021-02-05T11:00:00Z', '2021-02-05T12:00:00Z']
    await produceJson(
      a,
      '/topics/t/partitions/0',
      times.map((time) => ({ value: time, timestamp: Date.parse(time) })),
    )
    const from = async (timestamp: string) => {
      const answer = await post(a, `${base}/positions`, { timestamps: [{ topic: 't', partition: 0, timestamp }] })
      expect(answer.status).toBe(204)
      return values(a)
    }
    expect(await from('2021-02-05T10:30:00.5Z')).toEqual(times.slice(1))
    expect(await from('2021-02-05T13:00:00+01:00')).toEqual(times.slice(2))
    expect(await from('2021-02-05T13:00+0100')).toEqual(times.slice(2))
    expect(await from('2022-01-01T00:00:00Z')).toEqual([])
    await send(a, 'new')
    expect(await values(a)).toEqual(['new'])
  })

  test('out of range goes where auto.offset.reset says', async () => {
    const { a, b } = await reader()
    await send(a, 1)
    await post(a, `${base}/positions`, at(100))
    expect(await values(b)).toEqual([1])
    await create(a, { name: 'l', format: 'json' })
    const last = '/consumers/g/instances/l'
    await post(a, `${last}/assignments`, { partitions })
    await post(a, `${last}/positions`, at(100))
    expect(await values(a, { timeout: '0' }, last)).toEqual([])
    await send(a, 2)
    expect(await values(b, { timeout: '0' }, last)).toEqual([2])
  })

  const one = { topic: 't', partition: 0 }
  const other = { topic: 't', partition: 1 }
  const refused: [what: string, expected: string, path: string, body: unknown][] = [
    [
      'an unassigned partition',
      '409 40903',
      '',
      {
        offsets: [
          { ...one, offset: 1 },
          { ...other, offset: 1 },
        ],
      },
    ],
    [
      'a time of an unassigned partition',
      '409 40903',
      '',
      { timestamps: [{ ...other, timestamp: '2021-02-05T10:00:00Z' }] },
    ],
    ['the beginning of an unassigned partition', '409 40903', '/beginning', { partitions: [one, other] }],
    ['the end of an unassigned partition', '409 40903', '/end', { partitions: [one, other] }],
    ['a negative offset', '422 422', '', { offsets: [{ ...one, offset: -1 }] }],
    ['an offset beyond what a number holds', '422 422', '', { offsets: [{ ...one, offset: 2 ** 53 }] }],
    ['a time without a zone', '422 422', '', { timestamps: [{ ...one, timestamp: '2021-02-05T10:00:00' }] }],
    ['a day that does not exist', '422 422', '', { timestamps: [{ ...one, timestamp: '2021-13-05T10:00:00Z' }] }],
    ['no partitions', '422 422', '/end', {}],
    ['bad JSON', '400 400', '', '{'],
  ]
  test.each(refused)('with %s are %s and nothing moves', async (_what, expected, path, body) => {
    const { a, stores } = await reader()
    await send(a, 1, 2)
    const before = stores.writes.length
    expect(failed(await post(a, `${base}/positions${path}`, body))).toBe(expected)
    expect(stores.writes.length).toBe(before)
    expect(await values(a)).toEqual([1, 2])
  })
})

describe('commits', () => {
  const committed = async (server: Server, call: Call = { body: { partitions }, type: v2 }) =>
    ((await server.call('GET', `${base}/offsets`, call)).json as { offsets: unknown[] }).offsets
  const at = (offset: number) => ({ offsets: [{ topic: 't', partition: 0, offset }] })

  test.each([undefined, {}])('of %j store everything handed out', async (body) => {
    const { a, b } = await reader()
    await send(a, 1, 2, 3)
    expect(await committed(a)).toEqual([])
    await values(a, { timeout: '0', max_bytes: '2' })
    const answer = await post(b, `${base}/offsets`, body)
    expect([answer.status, answer.json]).toEqual([200, []])
    expect(await committed(a)).toEqual([{ topic: 't', partition: 0, offset: 2, metadata: '' }])
  })

  test('of an offset store the one after it, with its metadata', async () => {
    const { a, b } = await reader()
    await post(a, `${base}/offsets`, { offsets: [{ topic: 't', partition: 0, offset: 4, metadata: 'mine' }] })
    expect(await committed(b)).toEqual([{ topic: 't', partition: 0, offset: 5, metadata: 'mine' }])
  })

  test('answer 204 where the instance was created with enable.auto.commit', async () => {
    const { a } = await reader({ ...earliest, 'enable.auto.commit': false })
    expect(await post(a, `${base}/offsets`, at(0))).toMatchObject({ status: 204, text: '' })
  })

  test('are where the next instance of the group begins, and no other group', async () => {
    const { a, b } = await reader()
    await send(a, 1, 2, 3)
    await post(a, `${base}/offsets`, at(1))
    await a.call('DELETE', base)
    await create(b, earliest)
    await post(b, `${base}/assignments`, { partitions })
    expect(await values(a)).toEqual([3])
    await post(a, '/consumers/h', earliest)
    await post(a, '/consumers/h/instances/i/assignments', { partitions })
    expect(await values(b, { timeout: '0' }, '/consumers/h/instances/i')).toEqual([1, 2, 3])
  })

  test('can be asked for in the query, or for all that is assigned', async () => {
    const { a } = await reader()
    await post(a, `${base}/offsets`, { offsets: [0, 1].map((partition) => ({ topic: 't', partition, offset: 8 })) })
    const entry = (partition: number) => ({ topic: 't', partition, offset: 9, metadata: '' })
    expect(await committed(a, { query: { topic: 't', partition: '1' } })).toEqual([entry(1)])
    expect(await committed(a, { query: { topic: 't', partition: '1,0' } })).toEqual([entry(1), entry(0)])
    expect(await committed(a, { query: { topic: 't,t', partition: '0,1' } })).toEqual([entry(0), entry(1)])
    expect(await committed(a, {})).toEqual([entry(0)])
    expect(failed(await a.call('GET', `${base}/offsets`, { query: { topic: 't,t', partition: '0' } }))).toBe('422 422')
    expect(failed(await a.call('GET', `${base}/offsets`, { query: { topic: 'no', partition: '0' } }))).toBe('404 40401')
    expect(failed(await a.call('GET', `${base}/offsets`, { query: { topic: 't', partition: '9' } }))).toBe('404 40402')
  })

  const one = { topic: 't', partition: 0, offset: 1 }
  const refused: [what: string, expected: string, body: unknown][] = [
    ['a missing topic', '404 40401', { offsets: [one, { ...one, topic: 'no' }] }],
    ['a missing partition', '404 40402', { offsets: [one, { ...one, partition: 7 }] }],
    ['a negative offset', '422 422', { offsets: [one, { ...one, offset: -1 }] }],
    ['endless metadata', '422 422', { offsets: [one, { ...one, metadata: 'x'.repeat(5_000) }] }],
    ['an unknown field', '422 422', { offsets: [one], more: 1 }],
    ['bad JSON', '400 400', '{'],
  ]
  test.each(refused)('of %s are %s and store nothing', async (_what, expected, body) => {
    const { a, stores } = await reader()
    const before = stores.writes.length
    expect(failed(await post(a, `${base}/offsets`, body))).toBe(expected)
    expect(stores.writes.length).toBe(before)
    expect(await committed(a)).toEqual([])
  })

  test('to a store that throttles are 503 and can be sent again', async () => {
    const { a, stores } = await reader()
    stores.trouble = (moment, call) => {
      if (moment === 'before' && call === 'update') throw new StoreError('throttled', '')
    }
    expect(failed(await post(a, `${base}/offsets`, at(0)))).toBe('503 50003')
    stores.trouble = () => {}
    expect(await committed(a)).toEqual([])
    expect((await post(a, `${base}/offsets`, at(0))).status).toBe(200)
  })
})
