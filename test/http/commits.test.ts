import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/store/errors.ts'
import { base, create, earliest, partitions, post, reader, send, values } from './consumer-kit.ts'
import { type Call, failed, type Server, v2 } from './kit.ts'

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
