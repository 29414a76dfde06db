import { afterEach, describe, expect, test } from 'vitest'
import { coreFromEnvironment, settingsFrom } from '../../functions/core.ts'
import { lambdaHandler } from '../../src/http/lambda.ts'
import { allRoutes } from '../../src/http/routes.ts'
import { currentOutput, logTo } from '../../src/observability/output.ts'
import { type Call, eventOf, jsonType, makeTopic, newServer } from './kit.ts'

const createKey = 'POST /consumers/{group}'
const create = async (path: string, call: Call, routeKey = createKey) => {
  const { core } = newServer()
  const handler = lambdaHandler('commit', allRoutes.commit, async () => core)
  const result = await handler(eventOf('POST', path, routeKey, call))
  return { status: result.statusCode, json: JSON.parse(result.body) as { base_uri: string; error_code?: number } }
}
const body = { name: 'i' }

describe('base_uri', () => {
  const cases: [what: string, path: string, call: Call, expected: string][] = [
    ['is the request’s own host', '/consumers/g', {}, 'https://log.example/consumers/g/instances/i'],
    ['has the stage in it', '/consumers/g', { stage: 'prod' }, 'https://log.example/prod/consumers/g/instances/i'],
    [
      'is what a proxy in front says',
      '/consumers/g',
      {
        headers: {
          'X-Forwarded-Host': 'out.example:8443, in',
          'x-forwarded-proto': 'http',
          'X-Forwarded-Prefix': '/rest/',
        },
      },
      'http://out.example:8443/rest/consumers/g/instances/i',
    ],
    ['is encoded', '/consumers/a%20b%252Fc', {}, 'https://log.example/consumers/a%20b%252Fc/instances/i'],
    // API Gateway decodes the path, but for %25.
    [
      'is encoded, decoded by a gateway',
      '/consumers/a b%252Fc',
      {},
      'https://log.example/consumers/a%20b%252Fc/instances/i',
    ],
  ]
  test.each(cases)('%s', async (_what, path, call, expected) => {
    expect((await create(path, { body, ...call })).json.base_uri).toBe(expected)
  })
})

describe('a Lambda handler', () => {
  test('answers 404 for a route that is not its own', async () => {
    const answer = await create('/consumers/g', { body }, 'POST /somewhere')
    expect([answer.status, answer.json.error_code]).toEqual([404, 404])
  })

  test('opens its core once, and again only where that failed', async () => {
    const { core } = newServer()
    let opened = 0
    const handler = lambdaHandler('topics', allRoutes.topics, async () => {
      opened++
      if (opened === 1) throw new Error('secret')
      return core
    })
    const call = () => handler(eventOf('GET', '/brokers', 'GET /brokers', {}))
    expect(await call()).toMatchObject({
      statusCode: 500,
      body: '{"error_code":500,"message":"Internal Server Error"}',
    })
    expect((await call()).statusCode).toBe(200)
    expect((await call()).statusCode).toBe(200)
    expect(opened).toBe(2)
  })

  test('decodes a body that came as base64', async () => {
    const server = newServer()
    await makeTopic(server, 't')
    const sent = Buffer.from('{"records":[{"value":"é"}]}')
    expect((await server.call('POST', '/topics/t', { body: sent, type: jsonType })).status).toBe(200)
    const query = { offset: '0' }
    const read = await server.call('GET', '/topics/t/partitions/0/records', { accept: jsonType, query })
    expect(read.json).toMatchObject([{ value: 'é' }])
  })
})

describe('the request log', () => {
  const before = currentOutput()
  afterEach(() => logTo(before ?? 'off'))

  test('says who asked what, how it ended and what it cost, and nothing of the records', async () => {
    const lines: string[] = []
    const server = newServer()
    await makeTopic(server, 't')
    logTo({ write: (line) => lines.push(line) })
    const userArn = 'arn:aws:sts::1:assumed-role/Writer/one'
    const sent = { body: { records: [{ value: 'confidential' }] }, type: jsonType, userArn }
    await server.call('POST', '/topics/t/partitions/0', sent)
    await server.call('POST', '/topics/t/partitions/5', sent)
    const [fine, refused] = lines.map((line) => JSON.parse(line))
    const asked = { api: 'produce', principal: userArn, topic: 't', requestId: 'request' }
    expect(fine).toMatchObject({ ...asked, partition: 0, status: 200, outcome: 'ok' })
    expect(fine.requestBytes).toBeGreaterThan(20)
    expect(fine.responseBytes).toBeGreaterThan(20)
    expect(refused).toMatchObject({ ...asked, partition: 5, status: 404, errorCode: 40402, outcome: 'refused' })
    expect(lines.join()).not.toContain('confidential')
  })
})

describe('the functions’ environment', () => {
  test('must name table and bucket', async () => {
    await expect(coreFromEnvironment({ MILLRACE_BUCKET: 'b' })).rejects.toThrow('MILLRACE_TABLE')
    await expect(coreFromEnvironment({ MILLRACE_TABLE: 't' })).rejects.toThrow('MILLRACE_BUCKET')
  })

  test('may change the settings', () => {
    const environment = {
      MILLRACE_AUTO_CREATE_TOPICS: 'false',
      MILLRACE_DEFAULT_PARTITIONS: '6',
      MILLRACE_MAX_PARTITIONS: '12',
    }
    expect(settingsFrom(environment)).toMatchObject({
      autoCreateTopics: false,
      defaultPartitions: 6,
      maxPartitions: 12,
    })
    expect(settingsFrom({})).toMatchObject({ autoCreateTopics: true, defaultPartitions: 1 })
  })

  test.each([
    ['MILLRACE_AUTO_CREATE_TOPICS', 'yes'],
    ['MILLRACE_DEFAULT_PARTITIONS', '0'],
    ['MILLRACE_MAX_PARTITIONS', '1e3'],
  ])('refuses %s=%s by name', (name, value) => {
    expect(() => settingsFrom({ [name]: value })).toThrow(name)
  })
})
