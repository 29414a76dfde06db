import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/store/errors.ts'
import { base, create, earliest, partitions, poll, post, reader, send, values } from './consumer-kit.ts'
import { binaryType, failed, jsonType, makeTopic, newServer, produceJson, v2 } from './kit.ts'

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

  test('of many servers at once loses no record, and gives each answer in order', async () => {
    const { a, b } = await reader()
    const sent = Array.from({ length: 40 }, (_, n) => n)
    await send(a, ...sent)
    const got = new Set<unknown>()
    for (let round = 0; round < 80 && got.size < 40; round++) {
      const rivals = await Promise.all([a, b, a, b].map((server) => values(server, { timeout: '0', max_bytes: '6' })))
      for (const answer of rivals) expect(answer).toEqual([...answer].sort((x, y) => Number(x) - Number(y)))
      // What this round gave begins where the last one ended: nothing between was passed over.
      const fresh = rivals.flat().filter((value) => !got.has(value))
      for (const value of fresh) got.add(value)
      expect(got.size).toBe(Math.max(-1, ...[...got].map(Number)) + 1)
    }
    expect([...got].sort((x, y) => Number(x) - Number(y))).toEqual(sent)
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

  test('a topic made anew behind the back of a server that remembers the old one is read from its start', async () => {
    const { a, b } = await reader()
    await send(a, 1, 2, 3)
    expect(await values(b)).toEqual([1, 2, 3])
    const id = /"cluster_id":"([^"]+)"/.exec((await a.call('GET', '/v3/clusters')).text)?.[1]
    await a.call('DELETE', `/v3/clusters/${id}/topics/t`)
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
