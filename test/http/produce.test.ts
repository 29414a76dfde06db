import { describe, expect, test } from 'vitest'
import { replyBytesMax } from '../../src/http/limits.ts'
import { StoreError } from '../../src/store/errors.ts'
import {
  binaryType,
  failed,
  jsonType,
  makeTopic,
  newServer,
  offsetsOf,
  produceJson,
  type Server,
  twoServers,
  v2,
  watchedStores,
} from './kit.ts'

const read = async (server: Server, partition = 0, accept = jsonType) =>
  server.call('GET', `/topics/t/partitions/${partition}/records`, { accept, query: { offset: '0' } })

const b64 = (text: string) => Buffer.from(text).toString('base64')

describe('producing', () => {
  test('an answer holds each record’s partition and offset', async () => {
    const server = newServer()
    await makeTopic(server, 't', 2)
    const answer = await produceJson(server, '/topics/t', [
      { key: 'k', value: { a: 1 }, partition: 1 },
      { value: 'x', partition: 0 },
      { value: 'y', partition: 1 },
    ])
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe(v2)
    const fine = { error_code: null, error: null }
    expect(answer.json).toEqual({
      offsets: [
        { partition: 1, offset: 0, ...fine },
        { partition: 0, offset: 0, ...fine },
        { partition: 1, offset: 1, ...fine },
      ],
      key_schema_id: null,
      value_schema_id: null,
    })
  })

  test('as many records as are taken are answered within one reply; more are refused, and none of them is appended', async () => {
    const server = newServer()
    await makeTopic(server, 't')
    const most = Array.from({ length: 20_000 }, () => ({ value: 1 }))
    const refused = await produceJson(server, '/topics/t', [...most, { value: 1 }])
    expect(refused.status).toBe(413)
    expect(refused.json).toMatchObject({ message: expect.stringContaining('20000 records') })
    expect(offsetsOf(await produceJson(server, '/topics/t', most))[0]?.offset).toBe(0)
    // Where the log refuses them, each is told why.
    const unsuitable = await produceJson(server, '/topics/t', [...most.slice(1), { value: 'x'.repeat(1_100_000) }])
    expect(offsetsOf(unsuitable).filter(({ error }) => error !== null)).toHaveLength(20_000)
    expect(unsuitable.text.length).toBeLessThan(replyBytesMax)
  })

  test('0, false and the empty string are values; null and absence are none', async () => {
    const server = newServer()
    await makeTopic(server, 't')
    const values = [0, false, '', [], {}, null]
    await produceJson(server, '/topics/t', [...values.map((value) => ({ key: value, value })), {}])
    const records = (await read(server)).json as { key: unknown; value: unknown }[]
    expect(records.map(({ key, value }) => [key, value])).toEqual([...values, null].map((value) => [value, value]))
    const bytes = (await read(server, 0, binaryType)).json as { value: string | null }[]
    expect(bytes.map(({ value }) => value)).toEqual([
      b64('0'),
      b64('false'),
      b64('""'),
      b64('[]'),
      b64('{}'),
      null,
      null,
    ])
  })

  test('numbers, member order and names given twice come back as they were written', async () => {
    const server = newServer()
    await makeTopic(server, 't')
    const value =
      '{"z":12345678901234567890,"1":1e400,"a":[-0.0,1.0,1E+2],"__proto__":{"x":1},"z":0.1000000000000000055}'
    const spaced = value.replaceAll(',', ' ,\n').replaceAll(':', ' : ')
    const body = `{ "records" : [ { "value" : ${spaced} , "key":12345678901234567890123 } ] , "value_schema_id": null }`
    expect((await server.call('POST', '/topics/t', { body, type: jsonType })).status).toBe(200)
    expect((await read(server)).text).toContain(`"key":12345678901234567890123,"value":${value},`)
  })

  test('a key has one form, however it is escaped, and a string key keeps its quotes', async () => {
    const server = newServer()
    await makeTopic(server, 't')
    const body = '{"records":[{"key":"\\u0041\\/\\u00e9 \\"\\\\","value":1},{"key":"A/é \\"\\\\","value":2}]}'
    await server.call('POST', '/topics/t', { body, type: jsonType })
    const stored = b64('"A/é \\"\\\\"')
    expect((await read(server, 0, binaryType)).json).toMatchObject([{ key: stored }, { key: stored }])
  })

  test('keys go where Kafka’s Java client sends them', async () => {
    const server = newServer()
    await makeTopic(server, 't', 1_000)
    // org.apache.kafka.common.utils.Utils: toPositive(murmur2(key)) % 1000
    const records = [{ key: b64('21') }, { key: b64('foobar') }, { key: b64('a-little-bit-long-string') }]
    const answer = await server.call('POST', '/topics/t', { body: { records }, type: binaryType })
    const java = [-973932308, -790332482, -985981536].map((hash) => (hash & 0x7fffffff) % 1_000)
    expect(offsetsOf(answer).map(({ partition }) => partition)).toEqual(java)
  })

  test('records without a key share one partition within a request', async () => {
    const server = newServer()
    await makeTopic(server, 't', 50)
    const answer = await produceJson(
      server,
      '/topics/t',
      Array.from({ length: 20 }, (_, value) => ({ value })),
    )
    expect(new Set(offsetsOf(answer).map(({ partition }) => partition)).size).toBe(1)
    expect(offsetsOf(answer).map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  test('timestamps and headers, repeated and null ones too, come back', async () => {
    const server = newServer()
    await makeTopic(server, 't')
    const headers = [
      { key: 'h', value: b64('1') },
      { key: 'h', value: null },
      { key: '', value: '' },
    ]
    await produceJson(server, '/topics/t/partitions/0', [{ value: 1, timestamp: 1_600_000_000_000, headers }])
    expect((await read(server)).json).toEqual([
      { topic: 't', key: null, value: 1, partition: 0, offset: 0, timestamp: 1_600_000_000_000, headers },
    ])
  })

  test('a missing topic is made where that is allowed, else 40401', async () => {
    const willing = newServer()
    expect((await produceJson(willing, '/topics/t', [{ value: 1 }])).status).toBe(200)
    expect((await willing.call('GET', '/topics')).json).toEqual(['t'])
    const { a, stores } = twoServers({ autoCreateTopics: false })
    expect(failed(await produceJson(a, '/topics/t', [{ value: 1 }]))).toBe('404 40401')
    expect(failed(await produceJson(a, '/topics/t/partitions/0', [{ value: 1 }]))).toBe('404 40401')
    expect(stores.writes).toEqual([])
  })

  test('a topic that another server made anew is found', async () => {
    const { a, b } = twoServers()
    const id = await makeTopic(a, 't')
    await produceJson(b, '/topics/t/partitions/0', [{ value: 'old' }])
    await a.call('DELETE', `/v3/clusters/${id}/topics/t`)
    await makeTopic(a, 't', 3)
    expect(offsetsOf(await produceJson(b, '/topics/t', [{ value: 'new', partition: 2 }]))).toMatchObject([
      { offset: 0 },
    ])
    expect((await read(b, 2)).json).toMatchObject([{ value: 'new' }])
    expect((await read(b, 0)).json).toEqual([])
  })

  test('a batch is split where the topic’s messages are smaller, and a record too large for it fails alone', async () => {
    const server = newServer()
    await makeTopic(server, 't', 2, { 'max.message.bytes': '1000' })
    const fine = await produceJson(
      server,
      '/topics/t',
      Array.from({ length: 30 }, () => ({ value: 'x'.repeat(200), partition: 0 })),
    )
    expect(offsetsOf(fine).map(({ offset }) => offset)).toEqual(Array.from({ length: 30 }, (_, n) => n))
    const mixed = await produceJson(server, '/topics/t', [
      { value: 'x'.repeat(2_000), partition: 0 },
      { value: 'y', partition: 1 },
    ])
    expect(mixed.status).toBe(200)
    expect(offsetsOf(mixed)).toMatchObject([
      { partition: null, offset: null, error_code: 50002 },
      { partition: 1, offset: 0, error_code: null },
    ])
  })
})

describe('a produce request that is refused writes nothing', () => {
  const record = [{ value: 1 }]
  const cases: [what: string, expected: string, body: unknown, type?: string, path?: string][] = [
    ['bad JSON', '400 400', '{"records":[{"value":1}'],
    ['a body that is not UTF-8', '400 400', Buffer.from([0x7b, 0xff, 0x7d])],
    ['no body', '400 400', undefined],
    ['no records', '422 422', {}],
    ['empty records', '422 422', { records: [] }],
    ['records that are no list', '422 422', { records: {} }],
    ['a record that is no object', '422 422', { records: [1] }],
    ['a body that is no object', '422 422', '[]'],
    ['an unknown field', '422 422', { records: record, more: 1 }],
    ['an unknown field of a record', '422 422', { records: [{ value: 1, more: 1 }] }],
    ['a partition that is no number', '422 422', { records: [{ value: 1, partition: 'x' }] }],
    ['a negative partition', '422 422', { records: [{ value: 1, partition: -1 }] }],
    ['a negative timestamp', '422 422', { records: [{ value: 1, timestamp: -5 }] }],
    ['a header without a name', '422 422', { records: [{ value: 1, headers: [{ value: '' }] }] }],
    ['a header that is not base64', '400 400', { records: [{ value: 1, headers: [{ key: 'h', value: '*' }] }] }],
    ['bad base64', '400 400', { records: [{ value: 'YQ==' }, { value: 'YQ' }] }, binaryType],
    ['base64 with stray bits', '400 400', { records: [{ value: 'YR==' }] }, binaryType],
    ['a binary value that is no string', '400 400', { records: [{ key: 1 }] }, binaryType],
    ['a wrong Content-Type', '415 415', { records: record }, 'text/plain'],
    ['no Content-Type', '415 415', { records: record }, ''],
    ['avro', '415 415', { records: record }, 'application/vnd.kafka.avro.v2+json'],
    [
      'a missing partition of one record',
      '404 40402',
      {
        records: [
          { value: 1, partition: 0 },
          { value: 2, partition: 7 },
        ],
      },
    ],
    ['a missing partition in the path', '404 40402', { records: record }, jsonType, '/topics/t/partitions/7'],
    ['a partition in the path that is no number', '404 40402', { records: record }, jsonType, '/topics/t/partitions/x'],
    [
      'a partition in path and record',
      '422 422',
      { records: [{ value: 1, partition: 0 }] },
      jsonType,
      '/topics/t/partitions/0',
    ],
    ['a forbidden name', '400 40002', { records: record }, jsonType, '/topics/a%20b'],
    ['an endless name', '400 40002', { records: record }, jsonType, `/topics/${'x'.repeat(2_000)}`],
    ['a body of more than 4 MiB', '413 413', { records: [{ value: 'x'.repeat(4 * 1024 * 1024) }] }],
  ]
  test.each(cases)('%s: %s', async (_what, expected, body, type = jsonType, path = '/topics/t') => {
    const { a, stores } = twoServers()
    await makeTopic(a, 't', 2)
    const before = stores.writes.length
    const answer = await a.call('POST', path, { body, ...(type === '' ? {} : { type }) })
    expect(failed(answer)).toBe(expected)
    expect(stores.writes.length).toBe(before)
    expect((await a.call('GET', '/topics')).json).toEqual(['t'])
  })

  test('the answer to an oversized body names the limit, also where it came as base64', async () => {
    const server = newServer()
    const body = Buffer.alloc(4 * 1024 * 1024 + 1, 0x20)
    const answer = await server.call('POST', '/topics/t', { body, type: jsonType })
    expect(failed(answer)).toBe('413 413')
    expect(answer.text).toContain('4194304')
  })

  test('a charset and fields of schemas are accepted', async () => {
    const server = newServer()
    const body = {
      records: [{ value: 1 }],
      key_schema: null,
      value_schema: '"string"',
      key_schema_id: 1,
      value_schema_id: 2,
    }
    expect((await server.call('POST', '/topics/t', { body, type: `${jsonType}; charset=utf-8` })).status).toBe(200)
  })
})

describe('when the store', () => {
  const troubled = async (trouble: StoreError, moment: 'before' | 'after', from = 'h/') => {
    const stores = watchedStores()
    const server = newServer(stores, { appendTimeoutMs: 1 })
    await makeTopic(server, 't')
    stores.trouble = (when, call, key) => {
      if (when === moment && call === 'update' && key?.pk.startsWith(from)) throw trouble
    }
    const answer = await produceJson(server, '/topics/t', [{ value: 1 }])
    stores.trouble = () => {}
    return { answer, server }
  }

  test('throttles, a produce is 503 with Retry-After and the record is not there', async () => {
    const { answer, server } = await troubled(new StoreError('throttled', 'table secret-name'), 'before')
    expect(failed(answer)).toBe('503 50003')
    expect(answer.headers['retry-after']).toBe('1')
    expect(answer.text).not.toContain('secret')
    expect((await read(server)).json).toEqual([])
  })

  test('is down, a produce is 503 with Retry-After and the record is not there', async () => {
    const { answer, server } = await troubled(new StoreError('unavailable', 'secret-host'), 'before')
    expect(failed(answer)).toBe('503 50301')
    expect(answer.headers['retry-after']).toBe('1')
    expect((await read(server)).json).toEqual([])
  })

  test('does not answer, the record is neither acknowledged nor called failed', async () => {
    const { answer } = await troubled(new StoreError('unknown-outcome', 'secret'), 'after')
    expect(answer.status).toBe(200)
    expect(offsetsOf(answer)).toMatchObject([{ partition: null, offset: null, error_code: 50003 }])
    expect(answer.text).toContain('may or may not')
  })

  test('is down for reads, they are 503 with Retry-After', async () => {
    const stores = watchedStores()
    const server = newServer(stores)
    stores.trouble = () => {
      throw new StoreError('unavailable', 'secret-host')
    }
    const answer = await server.call('GET', '/topics')
    expect(failed(answer)).toBe('503 50301')
    expect(answer.headers['retry-after']).toBe('1')
    expect(answer.text).not.toContain('secret')
  })

  test('or anything else breaks, no stack and no internals go out', async () => {
    const stores = watchedStores()
    const server = newServer(stores)
    stores.trouble = () => {
      throw new Error('secret internals')
    }
    const answer = await server.call('GET', '/topics')
    expect(answer.json).toEqual({ error_code: 500, message: 'Internal Server Error' })
  })
})

describe('Idempotency-Key', () => {
  const headers = { 'Idempotency-Key': 'order-1' }
  const records = [{ value: 1 }, { key: 'k', value: 2 }]

  test('a request sent again, to another server too, gets the same answer and appends nothing', async () => {
    const { a, b } = twoServers()
    await makeTopic(a, 't', 20)
    const first = await produceJson(a, '/topics/t', records, headers)
    expect(first.status).toBe(200)
    expect((await produceJson(b, '/topics/t', records, headers)).text).toBe(first.text)
    expect((await produceJson(a, '/topics/t', records, headers)).text).toBe(first.text)
    const ends = await Promise.all(
      Array.from({ length: 20 }, (_, partition) => a.call('GET', `/topics/t/partitions/${partition}/offsets`)),
    )
    const appended = ends.reduce((sum, { json }) => sum + (json as { end_offset: number }).end_offset, 0)
    expect(appended).toBe(2)
  })

  test('a key used for another request is refused with 422', async () => {
    const server = newServer()
    await produceJson(server, '/topics/t', records, headers)
    expect(failed(await produceJson(server, '/topics/t', [{ value: 3 }], headers))).toBe('422 422')
    expect(failed(await produceJson(server, '/topics/t/partitions/0', records, headers))).toBe('422 422')
    expect((await read(server)).json).toHaveLength(2)
  })

  test('keys of two principals do not meet, those of two sessions of one role do', async () => {
    const server = newServer()
    await makeTopic(server, 't')
    const as = (userArn: string) =>
      server.call('POST', '/topics/t', { body: { records }, type: jsonType, headers, userArn })
    await as('arn:aws:sts::1:assumed-role/Writer/one')
    await as('arn:aws:sts::1:assumed-role/Writer/two')
    expect((await read(server)).json).toHaveLength(2)
    await as('arn:aws:iam::1:user/Other')
    expect((await read(server)).json).toHaveLength(4)
  })

  test.each(['', 'x'.repeat(256), 'schlüssel'])('the key %j is refused with 40002 and writes nothing', async (key) => {
    const { a, stores } = twoServers()
    expect(failed(await produceJson(a, '/topics/t', records, { 'Idempotency-Key': key }))).toBe('400 40002')
    expect(stores.writes).toEqual([])
  })
})
