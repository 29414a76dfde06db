import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readGrants } from '../../src/http/grants.ts'
import { type GrantsEvent, grantsResource } from '../../src/http/grants-resource.ts'
import { newServer } from './kit.ts'

type Told = { Status: string; PhysicalResourceId: string; Reason?: string; RequestId: string }

describe('the custom resource that writes grants', () => {
  const told: { body: Told; type: string | undefined }[] = []
  const cloudFormation = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      told.push({ body: JSON.parse(text), type: request.headers['content-type'] })
      response.end()
    })
  })
  let url = ''
  beforeAll(async () => {
    await new Promise<void>((resolve) => cloudFormation.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(cloudFormation.address() as AddressInfo).port}/signed` // A string only for pipes.
  })
  afterAll(() => cloudFormation.close())

  const properties = { account: '1', kind: 'role', name: 'team/Reader', produce: ['a'], admin: 'false' }
  const event = (RequestType: GrantsEvent['RequestType'], changes: Partial<GrantsEvent> = {}): GrantsEvent => ({
    RequestType,
    ResponseURL: url,
    StackId: 'stack',
    RequestId: 'request',
    LogicalResourceId: 'Grants',
    ResourceProperties: properties,
    ...changes,
  })
  const principal = '1/role/reader'

  test('writes them, writes them anew, and takes them back', async () => {
    const { core } = newServer()
    const handler = grantsResource(async () => core)
    await handler(event('Create'))
    expect(told.at(-1)).toEqual({
      body: {
        StackId: 'stack',
        RequestId: 'request',
        LogicalResourceId: 'Grants',
        Status: 'SUCCESS',
        PhysicalResourceId: principal,
      },
      type: undefined,
    })
    expect(await readGrants(core.items, principal)).toEqual({ produce: ['a'], consume: [], admin: false })
    const more = { ...properties, consume: [{ group: 'g', topic: 'b' }], admin: 'true' }
    await handler(event('Update', { PhysicalResourceId: principal, ResourceProperties: more }))
    expect(await readGrants(core.items, principal)).toEqual({ produce: ['a'], consume: more.consume, admin: true })
    await handler(event('Delete', { PhysicalResourceId: principal }))
    expect(await readGrants(core.items, principal)).toBeUndefined()
    expect(told.at(-1)?.body.Status).toBe('SUCCESS')
  })

  test('of a renamed construct leaves what the new one has written', async () => {
    const { core } = newServer()
    const handler = grantsResource(async () => core)
    await handler(event('Create'))
    await handler(event('Create', { LogicalResourceId: 'Renamed' }))
    await handler(event('Delete', { PhysicalResourceId: principal }))
    expect(await readGrants(core.items, principal)).toMatchObject({ produce: ['a'] })
  })

  test('says why it failed, for CloudFormation to roll back', async () => {
    const handler = grantsResource(async () => {
      throw new Error('no such table')
    })
    await handler(event('Create'))
    expect(told.at(-1)?.body).toMatchObject({ Status: 'FAILED', Reason: 'no such table' })
    const { core } = newServer()
    await grantsResource(async () => core)(event('Create', { ResourceProperties: {} }))
    expect(told.at(-1)?.body.Status).toBe('FAILED')
  })
})
