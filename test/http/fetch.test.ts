import { describe, expect, test } from 'vitest'
import { binaryType, failed, jsonType, makeTopic, newServer, produceJson, type Server } from './kit.ts'

const path = '/topics/t/partitions/0/records'
const get = (server: Server, query: Record<string, string>, accept = jsonType) =>
  server.call('GET', path, { query, accept })
const valuesOf = (json: unknown) => (json as { value: unknown }[]).map(({ value }) => value)

async function filled(values: unknown[]) {
  const server = newServer()
  await makeTopic(server, 't')
  await produceJson(
    server,
    '/topics/t',
    values.map((value) => ({ value })),
  )
  return server
}

describe('the direct fetch', () => {
  test('reads from an offset on, in the form that Accept names', async () => {
    const server = await filled(['a', 'b', 'c'])
    const json = await get(server, { offset: '1' })
    expect(json.headers['content-type']).toBe(jsonType)
    expect(json.json).toMatchObject([
      { topic: 't', key: null, value: 'b', partition: 0, offset: 1, headers: [] },
      { value: 'c', offset: 2 },
    ])
    const binary = await get(server, { offset: '2' }, binaryType)
    expect(binary.headers['content-type']).toBe(binaryType)
    expect(valuesOf(binary.json)).toEqual([Buffer.from('"c"').toString('base64')])
    expect((await get(server, { offset: '2' }, '*/*')).headers['content-type']).toBe(binaryType)
  })

  test('count and max_bytes end the answer early; one record always comes', async () => {
    const server = await filled(['aa', 'bb', 'cc'])
    expect(valuesOf((await get(server, { offset: '0', count: '2' })).json)).toEqual(['aa', 'bb'])
    expect((await get(server, { offset: '0', count: '0' })).json).toEqual([])
    expect(valuesOf((await get(server, { offset: '0', max_bytes: '8' })).json)).toEqual(['aa', 'bb'])
    expect(valuesOf((await get(server, { offset: '0', max_bytes: '11' })).json)).toEqual(['aa', 'bb'])
    expect(valuesOf((await get(server, { offset: '0', max_bytes: '1' })).json)).toEqual(['aa'])
  })

  test('at the end it is empty at once, or as soon as a record comes', async () => {
    const server = await filled(['a'])
    expect((await get(server, { offset: '1' })).json).toEqual([])
    const waiting = get(server, { offset: '1', timeout: '20000' })
    await produceJson(server, '/topics/t', [{ value: 'b' }])
    expect(valuesOf((await waiting).json)).toEqual(['b'])
  })

  test('a record that is not JSON ends a json answer, and by itself is 42203 naming it', async () => {
    const server = await filled(['a'])
    const body = { records: [{ value: Buffer.from('{no').toString('base64') }, { value: 'gICA' }] }
    await server.call('POST', '/topics/t', { body, type: binaryType })
    expect(valuesOf((await get(server, { offset: '0' })).json)).toEqual(['a'])
    for (const offset of ['1', '2']) {
      const answer = await get(server, { offset })
      expect(failed(answer)).toBe('422 42203')
      expect(answer.text).toContain(`offset ${offset} of t-0`)
    }
    expect(valuesOf((await get(server, { offset: '1' }, binaryType)).json)).toHaveLength(2)
  })

  test('large answers stay within what Lambda carries, quotes and all', async () => {
    const server = newServer()
    await makeTopic(server, 't', 1, { 'max.message.bytes': '10000000' })
    const value = Array.from({ length: 250_000 }, () => 'a')
    for (let n = 0; n < 6; n++) await produceJson(server, '/topics/t', [{ value }])
    const answer = await get(server, { offset: '0' })
    expect(answer.json).toHaveLength(4)
    expect(answer.isBase64Encoded).toBe(true)
    expect(answer.text.length).toBeLessThan(4.5 * 1024 * 1024)
    expect((await get(server, { offset: '0' }, binaryType)).json).toHaveLength(3)
    // More than 4 MiB as binary, for base64 is a third larger: the first record comes all the same.
    const large = [{ value: 'x'.repeat(4_000_000) }]
    await produceJson(server, '/topics/t', large)
    expect(valuesOf((await get(server, { offset: '6' }, binaryType)).json)).toHaveLength(1)
  })

  const refused: [what: string, expected: string, query: Record<string, string>, accept?: string][] = [
    ['a missing offset', '400 40002', {}],
    ['an offset that is no number', '400 40002', { offset: 'x' }],
    ['a negative offset', '400 40002', { offset: '-1' }],
    ['a bad timeout', '400 40002', { offset: '0', timeout: '1s' }],
    ['bad max_bytes', '400 40002', { offset: '0', max_bytes: '' }],
    ['a bad count', '400 40002', { offset: '0', count: '1.5' }],
    ['an offset beyond the end', '400 40002', { offset: '2' }],
    ['text', '406 406', { offset: '0' }, 'text/plain'],
    ['avro', '406 406', { offset: '0' }, 'application/vnd.kafka.avro.v2+json'],
  ]
  test.each(refused)('%s is %s', async (_what, expected, query, accept) => {
    expect(failed(await get(await filled(['a']), query, accept))).toBe(expected)
  })

  test('a missing topic is 40401, a missing partition 40402', async () => {
    const server = await filled(['a'])
    const query = { offset: '0' }
    expect(failed(await server.call('GET', '/topics/no/partitions/0/records', { query }))).toBe('404 40401')
    expect(failed(await server.call('GET', '/topics/t/partitions/1/records', { query }))).toBe('404 40402')
    expect((await server.call('GET', '/topics')).json).toEqual(['t'])
  })

  test('a topic deleted by another server is 40401', async () => {
    const server = await filled(['a'])
    const other = newServer(server.core)
    expect(valuesOf((await get(other, { offset: '0' })).json)).toEqual(['a'])
    const id = /"cluster_id":"([^"]+)"/.exec((await server.call('GET', '/v3/clusters')).text)?.[1]
    await server.call('DELETE', `/v3/clusters/${id}/topics/t`)
    expect(failed(await get(other, { offset: '0' }))).toBe('404 40401')
  })
})
