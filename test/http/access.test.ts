import { describe, expect, test } from 'vitest'
import { type Grants, readGrants, removeGrants, writeGrants } from '../../src/http/grants.ts'
import { principalOf } from '../../src/http/principal.ts'
import {
  type Answer,
  type Call,
  failed,
  jsonType,
  makeTopic,
  newServer,
  produceJson,
  type Server,
  twoServers,
  v2,
} from './kit.ts'

const reader = 'arn:aws:sts::123456789012:assumed-role/Reader/session'
const principal = '123456789012/role/reader'
const grants = (some: Partial<Grants>): Grants => ({ produce: [], consume: [], admin: false, ...some })

describe('a principal', () => {
  test.each([
    ['a role, in whatever session', 'arn:aws:sts::1:assumed-role/Writer/i-0abc', '1/role/writer'],
    ['a role under a path', 'arn:aws:iam::1:role/team/Writer', '1/role/writer'],
    ['a user under a path', 'arn:aws:iam::1:user/people/Ann', '1/user/ann'],
    ['a role in China', 'arn:aws-cn:sts::1:assumed-role/Writer/x', '1/role/writer'],
    ['nobody that a grant could name: the root', 'arn:aws:iam::1:root', undefined],
    ['nobody that a grant could name: a federated user', 'arn:aws:sts::1:federated-user/Ann', undefined],
    ['nobody', 'anonymous', undefined],
  ])('is %s', (_what, arn, expected) => expect(principalOf(arn)).toBe(expected))
})

describe('grants', () => {
  test('of several sources add up, and the item goes with the last of them', async () => {
    const { core } = newServer()
    await writeGrants(core, principal, 'one', grants({ produce: ['a'] }))
    await writeGrants(core, principal, 'two', grants({ consume: [{ group: 'g', topic: 'b' }] }))
    await writeGrants(core, principal, 'one', grants({ produce: ['c'] }))
    const both = { produce: ['c'], consume: [{ group: 'g', topic: 'b' }], admin: false }
    expect(await readGrants(core.items, principal)).toEqual(both)
    await removeGrants(core, principal, 'one')
    await removeGrants(core, principal, 'one')
    expect(await readGrants(core.items, principal)).toEqual({ ...both, produce: [] })
    await removeGrants(core, principal, 'two')
    expect(await readGrants(core.items, principal)).toBeUndefined()
    await removeGrants(core, principal, 'two')
    expect(await readGrants(core.items, principal)).toBeUndefined()
  })
})

describe('lists of topics', () => {
  test('show what the caller may read or write, and everything to one without grants', async () => {
    const { a, b } = twoServers()
    for (const name of ['read', 'secret', 'written']) await makeTopic(a, name)
    await writeGrants(
      a.core,
      principal,
      's',
      grants({ produce: ['written'], consume: [{ group: 'g', topic: 'read' }] }),
    )
    const list = async (userArn?: string) => (await b.call('GET', '/topics', userArn ? { userArn } : {})).json
    expect(await list(reader)).toEqual(['read', 'written'])
    expect(await list('arn:aws:iam::123456789012:user/admin')).toEqual(['read', 'secret', 'written'])
    expect(await list()).toEqual(['read', 'secret', 'written'])
  })

  test('show everything to one who may also call every route', async () => {
    const server = newServer()
    await makeTopic(server, 'secret')
    await writeGrants(server.core, principal, 's', grants({ produce: ['written'], admin: true }))
    expect((await server.call('GET', '/topics', { userArn: reader })).json).toEqual(['secret'])
  })
})

test('grants are read once a minute, and again where that failed', async () => {
  const { a, stores } = twoServers()
  const reads: string[] = []
  let down = true
  stores.trouble = (moment, call, key) => {
    if (moment === 'after' || !key?.pk.startsWith('grants/')) return
    reads.push(call)
    if (down) throw new Error('down')
  }
  const list = async () => a.call('GET', '/topics', { userArn: reader })
  expect(failed(await list())).toBe('500 500')
  down = false
  expect((await list()).status).toBe(200)
  expect((await list()).status).toBe(200)
  expect(reads).toEqual(['get', 'get'])
})

describe('a consumer held to topic t for group g', () => {
  const userArn = reader
  const base = '/consumers/g/instances/i'
  const post = (server: Server, path: string, body: unknown, call: Call = { userArn }) =>
    server.call('POST', path, { body, type: v2, ...call })

  async function held() {
    const servers = twoServers({ groupInitialRebalanceDelayMs: 0 })
    await makeTopic(servers.a, 't', 1)
    await makeTopic(servers.a, 'secret', 1)
    for (const topic of ['t', 'secret']) await produceJson(servers.a, `/topics/${topic}`, [{ value: topic }])
    await writeGrants(servers.a.core, principal, 's', grants({ consume: [{ group: 'g', topic: 't' }] }))
    const options = { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' }
    expect((await post(servers.a, '/consumers/g', options)).status).toBe(200)
    return servers
  }
  const poll = (server: Server, call: Call = { userArn }) =>
    server.call('GET', `${base}/records`, { accept: jsonType, query: { timeout: '5000' }, ...call })
  const values = (answer: Answer) => (answer.json as { value: unknown }[]).map(({ value }) => value)

  test('may do with it all that a consumer does', async () => {
    const { a, b } = await held()
    expect((await post(a, `${base}/subscription`, { topics: ['t'] })).status).toBe(204)
    expect(values(await poll(b))).toEqual(['t'])
    expect((await post(a, `${base}/offsets`, {})).status).toBe(200)
    const offsets = [{ topic: 't', partition: 0, offset: 0 }]
    expect((await post(b, `${base}/positions`, { offsets })).status).toBe(204)
    expect(values(await poll(b))).toEqual(['t'])
    expect((await a.call('GET', `${base}/offsets`, { userArn })).json).toMatchObject({
      offsets: [{ topic: 't', offset: 1 }],
    })
  })

  const secret = [{ topic: 'secret', partition: 0 }]
  test.each([
    ['subscribe to another', 'subscription', { topics: ['t', 'secret'] }],
    ['subscribe to one that is not there', 'subscription', { topics: ['missing'] }],
    ['be assigned another', 'assignments', { partitions: [{ topic: 't', partition: 0 }, ...secret] }],
    ['be assigned one that is not there', 'assignments', { partitions: [{ topic: 'missing', partition: 0 }] }],
    ['commit another', 'offsets', { offsets: [{ topic: 'secret', partition: 0, offset: 0 }] }],
  ])('may not %s, and leaves nothing behind', async (_what, path, body) => {
    const { a, b, stores } = await held()
    const before = stores.writes.length
    expect(failed(await post(b, `${base}/${path}`, body))).toBe('403 40301')
    expect(stores.writes.length).toBe(before)
    expect((await a.call('GET', `${base}/assignments`)).json).toEqual({ partitions: [] })
    expect((await a.call('GET', `${base}/subscription`)).json).toEqual({ topics: [] })
  })

  test('gets of a pattern what it may read', async () => {
    const { a, b } = await held()
    expect((await post(a, `${base}/subscription`, { topic_pattern: '.*' })).status).toBe(204)
    expect((await a.call('GET', `${base}/subscription`, { userArn })).json).toEqual({ topics: ['t'] })
    expect(values(await poll(b))).toEqual(['t'])
  })

  test('may not read, seek or commit what another has subscribed or assigned its instance to', async () => {
    const { a, b } = await held()
    const admin = {}
    expect((await post(a, `${base}/assignments`, { partitions: secret }, admin)).status).toBe(204)
    expect(failed(await poll(b))).toBe('403 40301')
    expect(failed(await post(b, `${base}/positions/beginning`, { partitions: secret }))).toBe('403 40301')
    expect(failed(await post(b, `${base}/offsets`, {}))).toBe('403 40301')
    expect(failed(await b.call('GET', `${base}/offsets`, { userArn }))).toBe('403 40301')
    expect(values(await poll(b, admin))).toEqual(['secret'])
    expect((await b.call('DELETE', `${base}/subscription`)).status).toBe(204)
    expect((await post(a, `${base}/subscription`, { topics: ['secret'] }, admin)).status).toBe(204)
    expect(failed(await poll(b))).toBe('403 40301')
  })

  test('gets no more of a pattern that another’s instance had matched for it', async () => {
    const { a, b } = await held()
    expect((await post(a, `${base}/subscription`, { topic_pattern: '.*' })).status).toBe(204)
    expect((await poll(b, {})).status).toBe(200)
    for (const value of ['t2', 't3']) {
      await produceJson(a, '/topics/secret', [{ value: 'again' }])
      await produceJson(a, '/topics/t', [{ value }])
    }
    const seen: unknown[] = []
    while (!seen.includes('t3')) seen.push(...values(await poll(b)))
    expect(seen).not.toContain('again')
  })

  test('sees its own topics and groups in the lists of v3', async () => {
    const { a, b } = await held()
    const id = /"cluster_id":"([^"]+)"/.exec((await a.call('GET', '/v3/clusters')).text)?.[1]
    const topics = await b.call('GET', `/v3/clusters/${id}/topics`, { userArn })
    expect((topics.json as { data: { topic_name: string }[] }).data.map((topic) => topic.topic_name)).toEqual(['t'])
    const configs = await b.call('GET', `/v3/clusters/${id}/topics/-/configs`, { userArn })
    expect(configs.text).not.toContain('secret')
  })
})
