import { describe, expect, it } from 'vitest'
import { handlers } from '../../src/broker/apis.ts'
import { type ApiName, apis } from '../../src/protocol/apis.ts'
import { readResponse } from '../../src/protocol/frame.ts'
import { frameOf, newest, openDoor } from './kit.ts'

const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' }

describe('ApiVersions', () => {
  it('tells exactly what is served; Produce from version 0, for librdkafka’s sake', async () => {
    const client = await (await openDoor()).client()
    const { errorCode, apiKeys } = await client.call('apiVersions', software)
    expect(errorCode).toBe(0)
    // The cast is sound: these are the table's own names.
    const expected = (Object.keys(handlers) as ApiName[]).map((name) => {
      const { key, versions } = apis[name]
      return { apiKey: key, minVersion: name === 'produce' ? 0 : versions[0], maxVersion: versions[1] }
    })
    expect(apiKeys).toEqual(expected)
    expect(apiKeys).toContainEqual({ apiKey: 0, minVersion: 0, maxVersion: 13 })
    expect(apiKeys).toContainEqual({ apiKey: 1, minVersion: 4, maxVersion: 18 })
  })

  it('answers every version in its own form', async () => {
    const client = await (await openDoor()).client()
    for (let version = 0; version <= newest('apiVersions'); version++) {
      const request = version < 3 ? {} : software
      expect((await client.call('apiVersions', request, version)).apiKeys.length).toBeGreaterThan(0)
    }
  })

  it('of a version yet to come is answered in the oldest form with its own versions', async () => {
    const client = await (await openDoor()).client()
    const frame = frameOf('apiVersions', software, 5)
    frame.writeInt16BE(99, 6)
    client.write(frame)
    expect(readResponse('apiVersions', 0, await client.next())).toMatchObject({
      correlationId: 5,
      value: { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] },
    })
  })

  it('of a client without a proper name is refused', async () => {
    const client = await (await openDoor()).client()
    const { errorCode } = await client.call('apiVersions', { clientSoftwareName: 'a b', clientSoftwareVersion: '' })
    expect(errorCode).toBe(42)
  })
})
