import { describe, expect, test } from 'vitest'
import { type Grants, readGrants, removeGrants, writeGrants } from '../../src/http/grants.ts'
import { principalOf } from '../../src/http/principal.ts'
import { failed, makeTopic, newServer, twoServers } from './kit.ts'

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
