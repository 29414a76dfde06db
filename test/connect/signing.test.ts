import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { signing } from '../../src/connect/signing.ts'
import { inFreshFolder } from '../server/millrace-process.ts'
import { connected } from './kit.ts'

afterEach(() => vi.unstubAllEnvs())

it('credentials that were replaced in their file are found when they are asked for anew', () =>
  inFreshFolder(async (folder) => {
    const file = join(folder, 'credentials')
    const renew = (key: string) =>
      writeFile(file, `[default]\naws_access_key_id = ${key}\naws_secret_access_key = s\naws_session_token = t\n`)
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined)
    vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'none'))
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file)
    const sign = signing('eu-central-1')
    const keyOf = async (anew: boolean) => {
      const { authorization } = await sign(new URL('https://log.example/kafka'), {}, new Uint8Array(), anew)
      return /Credential=([^/]*)/.exec(authorization ?? '')?.[1]
    }
    await renew('OLD')
    expect(await keyOf(false)).toBe('OLD')
    await renew('NEW')
    expect(await keyOf(false)).toBe('OLD')
    expect(await keyOf(true)).toBe('NEW')
    expect(await keyOf(false)).toBe('NEW')
  }))

it('a call that is turned away for credentials that have ended is signed anew, and its client notices nothing', async () => {
  let current = 'old'
  let read = current
  const door = await connected({
    async sign(_url, headers, _body, anew) {
      if (anew) read = current
      return { ...headers, authorization: read }
    },
  })
  door.instead = async (_api, call) =>
    read === current ? call() : { statusCode: 403, body: '{"message":"The security token is expired"}' }
  const client = await door.client()
  await client.call('metadata', { topics: null })
  current = 'new'
  expect(await client.call('metadata', { topics: null })).toMatchObject({ errorCode: 0 })
  expect(door.asked).toEqual(['metadata', 'metadata', 'metadata'])
  expect(door.told).toEqual([])
})
