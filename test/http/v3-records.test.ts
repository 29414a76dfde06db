import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/store/errors.ts'
import { type Answer, binaryType, failed, jsonType, makeTopic, newServer, type Server, twoServers } from './kit.ts'

const type = 'application/json'
const base64 = (text: string) => Buffer.from(text).toString('base64')

type Report = { error_code: number; message?: string; partition_id?: number; offset?: number; timestamp?: string }

const reportsIn = (answer: Answer): Report[] =>
  answer.text
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Report)

async function topic(server: Server, partitions = 1, configs: Record<string, string> = {}) {
  const id = await makeTopic(server, 't', partitions, configs)
  const path = `/v3/clusters/${id}/topics/t/records`
  return {
    id,
    path,
    send: (documents: unknown[], headers: Record<string, string> = {}) =>
      server.call('POST', path, { body: documents.map((one) => JSON.stringify(one)).join(''), type, headers }),
  }
}

const read = async (server: Server, partition = 0, accept = binaryType) =>
  (await server.call('GET', `/topics/t/partitions/${partition}/records`, { query: { offset: '0' }, accept }))
    .json as Record<string, unknown>[]

describe('a stream of records', () => {
  test('is appended in order, and every record is reported', async () => {
    const { a, b } = twoServers()
    const { id, send } = await topic(a, 2)
    const answer = await send([
      {
        partition_id: 1,
        headers: [
          { name: 'h', value: base64('x') },
          { name: 'h', value: null },
        ],
        key: { type: 'BINARY', data: base64('key') },
        value: { type: 'STRING', data: 'grüße' },
        timestamp: '2021-02-05T19:14:42Z',
      },
      { partition_id: 1, value: { type: 'JSON', data: { a: [1] } }, timestamp: '2021-02-05T20:14:42.125+01:00' },
      { partition_id: 1, key: null, value: { type: 'JSON', data: null }, headers: [] },
    ])
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': type } })
    const [first, second, third] = reportsIn(answer)
    const common = { error_code: 200, cluster_id: id, topic_name: 't', partition_id: 1 }
    expect(first).toEqual({
      ...common,
      offset: 0,
      timestamp: '2021-02-05T19:14:42Z',
      key: { type: 'BINARY', size: 3 },
      value: { type: 'STRING', size: 7 },
    })
    expect(second).toEqual({
      ...common,
      offset: 1,
      timestamp: '2021-02-05T19:14:42.125Z',
      value: { type: 'JSON', size: 9 },
    })
    expect(third).toMatchObject({ ...common, offset: 2, value: { type: 'JSON', size: 0 } })
    expect(await read(b, 1)).toMatchObject([
      {
        key: base64('key'),
        value: base64('grüße'),
        timestamp: 1612552482000,
        headers: [
          { key: 'h', value: base64('x') },
          { key: 'h', value: null },
        ],
      },
      { key: null, value: base64('{"a":[1]}'), timestamp: 1612552482125 },
      { key: null, value: null },
    ])
  })

  test('may have white space between its records or none, and keeps JSON as it was written', async () => {
    const server = newServer()
    const { path } = await topic(server)
    const body =
      ' {"value":{"data":12345678901234567890,"type":"JSON"}}\n\n{"value":{"type":"JSON","data":{"a" : "}{\\"\\\\"}}}{"value":{"type":"JSON","data":1.0}}\r\n'
    const reports = reportsIn(await server.call('POST', path, { body, type }))
    expect(reports.map(({ offset }) => offset)).toEqual([0, 1, 2])
    const query = { offset: '0' }
    const { text } = await server.call('GET', '/topics/t/partitions/0/records', { query, accept: jsonType })
    for (const value of ['12345678901234567890', '{"a":"}{\\"\\\\"}', '1.0'])
      expect(text).toContain(`"value":${value},`)
  })

  test('puts equal keys where every producer puts them', async () => {
    const server = newServer()
    const { send } = await topic(server, 5)
    const reports = reportsIn(await send(['a', 'b', 'a'].map((key) => ({ key: { type: 'STRING', data: key } }))))
    expect(reports[2]?.partition_id).toBe(reports[0]?.partition_id)
    const v2 = await server.call('POST', '/topics/t', {
      body: { records: [{ key: base64('a') }, { key: base64('b') }] },
      type: binaryType,
    })
    const { offsets } = v2.json as { offsets: { partition: number }[] }
    expect(offsets.map(({ partition }) => partition)).toEqual([reports[0]?.partition_id, reports[1]?.partition_id])
  })

  test('has its bad records reported, each for itself, and the others appended', async () => {
    const server = newServer()
    const { send } = await topic(server, 1, { 'max.message.bytes': '300' })
    const value = { type: 'STRING', data: 'good' }
    const documents: [code: number, document: unknown][] = [
      [200, { value }],
      [400, { value: { type: 'BINARY', data: 'not base64!' } }],
      [400, { value: { type: 'STRING', data: 5 } }],
      [422, { value: { type: 'AVRO', data: 'x' } }],
      [422, { value: { data: 'x' } }],
      [422, { value, more: 1 }],
      [422, { value, timestamp: 'yesterday' }],
      [422, { value, timestamp: '2021-13-45T00:00:00Z' }],
      [422, { value, partition_id: -1 }],
      [40402, { value, partition_id: 7 }],
      [413, { value: { type: 'STRING', data: 'x'.repeat(400) } }],
      [422, { value, timestamp: '2999-01-01T00:00:00Z' }],
      [200, { value }],
    ]
    const reports = reportsIn(await send(documents.map(([, document]) => document)))
    expect(reports.map((report) => report.error_code)).toEqual(documents.map(([code]) => code))
    expect(reports[1]?.message).toBe('value.data is not a base64 string.')
    expect([reports.at(0)?.offset, reports.at(-1)?.offset]).toEqual([0, 1])
    expect(await read(server)).toHaveLength(2)
  })

  test('ends where it is no JSON any more: what came before is appended', async () => {
    const server = newServer()
    const { path } = await topic(server)
    for (const rest of ['{"value":', '{]}', 'null', '"x', '{"value":{"type":"STRING","data":"\\']) {
      const body = `{"value":{"type":"STRING","data":"a"}}${rest}{"value":null}`
      const reports = reportsIn(await server.call('POST', path, { body, type }))
      expect(reports.map(({ error_code: code }) => code)).toEqual([200, 400])
    }
    expect(await read(server)).toHaveLength(5)
  })

  test('that is empty, of another type, or for no topic is refused as a whole', async () => {
    const server = newServer(undefined, { autoCreateTopics: false })
    const { path } = await topic(server)
    expect(failed(await server.call('POST', path, { body: ' ', type }))).toBe('422 42206')
    expect(failed(await server.call('POST', path, { body: '{}', type: 'text/plain' }))).toBe('415 415')
    expect(failed(await server.call('POST', path, { body: '{}', type, accept: 'text/html' }))).toBe('406 406')
    expect(failed(await server.call('POST', path.replace('/t/', '/none/'), { body: '{}', type }))).toBe('404 40403')
    expect(failed(await server.call('POST', path.replace(/clusters.[^/]*/, 'clusters/x'), { body: '{}', type }))).toBe(
      '404 404',
    )
    expect(await read(server)).toEqual([])
  })

  test('creates its topic where settings allow', async () => {
    const server = newServer()
    const { path } = await topic(server)
    const reports = reportsIn(await server.call('POST', path.replace('/t/', '/fresh/'), { body: '{}', type }))
    expect(reports).toMatchObject([{ error_code: 200, topic_name: 'fresh', offset: 0 }])
  })

  test('under an Idempotency-Key is appended once, its bad records told again', async () => {
    const { a, b } = twoServers()
    const { id, send, path } = await topic(a, 3)
    const documents = [{ value: { type: 'JSON', data: 1 } }, { partition_id: 5 }, { bad: 1 }, { partition_id: 2 }]
    const headers = { 'idempotency-key': 'k' }
    const first = await send(documents, headers)
    await a.call('PATCH', `/v3/clusters/${id}/topics/t`, { body: { partitions_count: 9 }, type })
    const body = documents.map((one) => JSON.stringify(one)).join('')
    const again = reportsIn(await b.call('POST', path, { body, type, headers }))
    const places = (reports: Report[]) =>
      reports.map(({ error_code, partition_id, offset }) => [error_code, partition_id, offset])
    expect(places(again)).toEqual(places(reportsIn(first)))
    expect(places(again).map(([code]) => code)).toEqual([200, 40402, 422, 200])
    expect(failed(await send([{ partition_id: 1 }], headers))).toBe('422 422')
  })

  test('that the store does not take is told record by record as to be sent again', async () => {
    const { a, stores } = twoServers({ appendTimeoutMs: 5 })
    const { send } = await topic(a)
    stores.trouble = (moment, call, key) => {
      if (moment === 'before' && call === 'update' && key?.pk.startsWith('h/'))
        throw new StoreError('throttled', 'slow')
    }
    const answer = await send([{}, {}])
    expect(answer.status).toBe(200)
    expect(reportsIn(answer).map(({ error_code: code }) => code)).toEqual([50003, 50003])
  })
})

describe('a batch of records', () => {
  test('is answered with what was appended and what was not', async () => {
    const server = newServer()
    const { id, path } = await topic(server)
    const entries = [
      { id: '1', value: { type: 'STRING', data: 'a' } },
      { id: '2', value: { type: 'BINARY', data: '%' } },
      { id: '3', partition_id: 4 },
      { id: '4', value: { type: 'JSON', data: [1] } },
    ]
    const answer = await server.call('POST', `${path}:batch`, { body: { entries }, type })
    expect(answer.status).toBe(207)
    expect(answer.json).toMatchObject({
      successes: [
        { id: '1', cluster_id: id, topic_name: 't', partition_id: 0, offset: 0, value: { type: 'STRING', size: 1 } },
        { id: '4', offset: 1 },
      ],
      failures: [
        { id: '2', error_code: 400, message: 'value.data is not a base64 string.' },
        { id: '3', error_code: 40402 },
      ],
    })
    expect((await read(server)).map(({ value }) => value)).toEqual([base64('a'), base64('[1]')])
  })

  test.each([
    ['no entries', '422 42208', { entries: [] }],
    ['an id twice', '422 42208', { entries: [{ id: '1' }, { id: '1' }] }],
    ['an empty id', '422 42208', { entries: [{ id: '' }] }],
    ['an endless id', '422 42208', { entries: [{ id: 'x'.repeat(81) }] }],
    ['an entry without an id', '422 422', { entries: [{}] }],
    ['no list', '422 422', {}],
    ['bad JSON', '400 400', '{'],
  ])('with %s is %s as a whole', async (_what, expected, body) => {
    const server = newServer()
    const { path } = await topic(server)
    expect(failed(await server.call('POST', `${path}:batch`, { body, type }))).toBe(expected)
    expect(await read(server)).toEqual([])
  })
})
