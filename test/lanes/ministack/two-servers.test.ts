import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { killAll, type Millrace, produce, runMillrace, startMillrace, valuesOf } from '../../server/millrace-process.ts'

const env = { AWS_ENDPOINT_URL: inject('ministackUrl') }
const stores = (name: string) => ['--store', 'aws', '--table', `${name}-table`, '--bucket', `${name}-bucket`]
const json = 'application/vnd.kafka.json.v2+json'

/** Calls each server in turn, as a load balancer would. */
let servers: Millrace[]
let turn = 0
const call = (method: string, path: string, body?: unknown) => {
  const { url } = servers[turn++ % servers.length] ?? { url: '' }
  return fetch(url + path, {
    method,
    headers: body === undefined ? { accept: json } : { 'content-type': 'application/vnd.kafka.v2+json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}
const status = async (...args: Parameters<typeof call>) => (await call(...args)).status

beforeAll(async () => {
  const name = `two-${process.pid}`
  // At once: one of them finds the table being made by the other.
  servers = await Promise.all([startMillrace(stores(name), env), startMillrace(stores(name), env)])
})
afterAll(killAll)

describe('two servers over the same table and bucket', () => {
  it('say where the data is', () => {
    expect(servers[0]?.readyLine).toMatch(/data in table two-\d+-table and bucket two-\d+-bucket at http:/)
  })

  it('give one log: what one takes, the other serves, and no offset twice', async () => {
    const offsets = await Promise.all(
      Array.from({ length: 20 }, (_, at) => produce(servers[at % 2]?.url ?? '', 'shared', [at])),
    )
    expect(offsets.flat().sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 20 }, (_, at) => at))
    const [ofFirst, ofSecond] = await Promise.all(servers.map(({ url }) => valuesOf(url, 'shared')))
    expect(ofFirst).toEqual(ofSecond)
    expect(ofFirst).toHaveLength(20)
  })

  it('serve the successive calls of one consumer instance in turn', async () => {
    await produce(servers[0]?.url ?? '', 'turns', ['a', 'b', 'c'])
    const created = await call('POST', '/consumers/g', { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' })
    expect(created.status).toBe(200)
    const base = '/consumers/g/instances/i'
    const partitions = [{ topic: 'turns', partition: 0 }]
    expect(await status('POST', `${base}/assignments`, { partitions })).toBe(204)
    expect(await (await call('GET', `${base}/assignments`)).json()).toEqual({ partitions })
    const records = async () =>
      // The cast: the contract's answer.
      ((await (await call('GET', `${base}/records?timeout=1000`)).json()) as { value: unknown }[]).map(
        ({ value }) => value,
      )
    expect(await records()).toEqual(['a', 'b', 'c'])
    await produce(servers[1]?.url ?? '', 'turns', ['d'])
    expect(await records()).toEqual(['d'])
    expect(await status('POST', `${base}/positions/beginning`, { partitions })).toBe(204)
    expect(await records()).toEqual(['a', 'b', 'c', 'd'])
    expect(await status('POST', `${base}/offsets`, { offsets: [{ ...partitions[0], offset: 1 }] })).toBe(200)
    expect(await status('DELETE', base)).toBe(204)
    expect(await status('GET', `${base}/assignments`)).toBe(404)
    expect(await status('DELETE', base)).toBe(404)
  })

  it('go on when one of them is gone', async () => {
    const [first, second] = servers
    first?.signal('SIGKILL')
    await first?.exited
    const before = await valuesOf(second?.url ?? '', 'shared')
    await produce(second?.url ?? '', 'shared', ['after'])
    expect(await valuesOf(second?.url ?? '', 'shared')).toEqual([...before, 'after'])
  })
})

describe('a server whose table is elsewhere', () => {
  it('creates nothing where the endpoint is not this machine', async () => {
    const far = { AWS_ENDPOINT_URL: 'http://millrace.invalid:4566' }
    const { code, err } = await runMillrace(['serve', ...stores('far')], far)
    expect(code).toBe(1)
    expect(err).toMatch(/^millrace: [^\n]+\n$/)
  })
})
