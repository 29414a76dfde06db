import { describe, expect, test } from 'vitest'
import { base, create, partitions, post, reader, send, values } from './consumer-kit.ts'
import { failed, produceJson } from './kit.ts'

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
