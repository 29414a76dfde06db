import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/runtime/system.ts'
import type { HttpEvent } from '../../src/server/event.ts'
import { type HttpServer, startHttpServer } from '../../src/server/http.ts'
import type { PlatformLimits } from '../../src/server/platform-limits.ts'
import { matchRoute, tableOf } from '../../src/server/route-table.ts'

type Handler = (event: HttpEvent) => Promise<APIGatewayProxyStructuredResultV2>

const echo: Handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) })

const servers: HttpServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(0)
})

async function serverWith(handler: Handler = echo, limits: Partial<PlatformLimits> = {}): Promise<HttpServer> {
  const handlers = {
    produce: handler,
    fetch: handler,
    commit: handler,
    topics: handler,
    groups: handler,
    kafka: handler,
  }
  const server = await startHttpServer({ host: '127.0.0.1', port: 0, handlers, clock: systemClock, limits })
  servers.push(server)
  return server
}

/** Sends raw bytes and gives everything that comes back until the server closes the connection. */
function raw(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    let received = ''
    socket.on('data', (data) => {
      received += data.toString()
    })
    socket.on('close', () => resolve(received))
    socket.on('error', reject)
  })
}

/** A handler that answers when told to, and a promise of its having been called. */
function gate() {
  let call = () => {}
  let open = () => {}
  const called = new Promise<void>((resolve) => {
    call = resolve
  })
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const handler: Handler = async () => {
    call()
    await opened
    return { statusCode: 200, body: 'late' }
  }
  return { handler, called, open }
}

/** The cast: the type of `json()` is unknown; what the server itself answers is this. */
const errorCode = async (response: Response) => ((await response.json()) as { error_code: number }).error_code

describe('the event a function is handed', () => {
  const eventOf = async (path: string, init?: RequestInit): Promise<HttpEvent> =>
    // The cast: echo answers with the event it was given.
    (await (await fetch((await serverWith()).url + path, init)).json()) as HttpEvent

  it('names the route and decodes its parameters', async () => {
    const event = await eventOf('/topics/a%20b%2Fc/partitions/3/records?offset=1&x=%C3%A9+y&x=z&empty')
    expect(event).toMatchObject({
      version: '2.0',
      routeKey: 'GET /topics/{topic}/partitions/{partition}/records',
      rawPath: '/topics/a%20b%2Fc/partitions/3/records',
      rawQueryString: 'offset=1&x=%C3%A9+y&x=z&empty',
      pathParameters: { topic: 'a b/c', partition: '3' },
      queryStringParameters: { offset: '1', x: 'é y,z', empty: '' },
      requestContext: {
        http: { method: 'GET' },
        stage: '$default',
        authorizer: { iam: { accountId: '000000000000' } },
      },
      isBase64Encoded: false,
    })
    expect(event.body).toBeUndefined()
  })

  it('is of the route with the most literal path', () => {
    const table = tableOf({
      produce: ['GET /a/{x}/{y}', 'GET /a/{x}/c'],
      fetch: ['GET /a/b/c'],
      commit: [],
      topics: [],
      groups: [],
      kafka: [],
    })
    const routeOf = (path: string) => matchRoute('GET', path, table)
    expect(routeOf('/a/b/c')).toMatchObject({ function: 'fetch', routeKey: 'GET /a/b/c', pathParameters: {} })
    expect(routeOf('/a/1/c')).toMatchObject({ routeKey: 'GET /a/{x}/c', pathParameters: { x: '1' } })
    expect(routeOf('/a/1/2')).toMatchObject({ routeKey: 'GET /a/{x}/{y}', pathParameters: { x: '1', y: '2' } })
  })

  it('has lower-case headers, repeated ones joined, and says how it was reached', async () => {
    const server = await serverWith()
    const text = await raw(
      server.url,
      'GET /topics HTTP/1.1\r\nHost: here\r\nX-A: 1\r\nx-a: 2\r\nConnection: close\r\n\r\n',
    )
    const { headers } = JSON.parse(text.slice(text.indexOf('{')))
    expect(headers).toMatchObject({ host: 'here', 'x-a': '1,2', 'x-forwarded-proto': 'http' })
  })

  it('carries JSON as text and everything else as base64', async () => {
    const post = (type: string, body: Uint8Array<ArrayBuffer>) =>
      eventOf('/topics/t', { method: 'POST', headers: { 'content-type': type }, body })
    const json = await post('application/vnd.kafka.json.v2+json; charset=utf-8', new TextEncoder().encode('{"é":1}'))
    expect(json).toMatchObject({ body: '{"é":1}', isBase64Encoded: false })
    const bytes = await post('application/octet-stream', new Uint8Array([0, 255, 128]))
    expect(bytes).toMatchObject({ body: 'AP+A', isBase64Encoded: true })
  })
})

describe('what no function is asked', () => {
  it('an unknown path is 404, a wrong method 405, malformed percent-encoding 400', async () => {
    const { url } = await serverWith()
    const statusOf = async (path: string, method = 'GET') => {
      const response = await fetch(url + path, { method })
      const body = await response.json()
      expect(body).toEqual({ error_code: response.status, message: expect.any(String) })
      return response.status
    }
    expect(await statusOf('/nowhere')).toBe(404)
    expect(await statusOf('/topics/')).toBe(404)
    expect(await statusOf('/topics', 'DELETE')).toBe(405)
    expect(await statusOf('/topics/%zz')).toBe(400)
    expect(await statusOf('/topics?a=%zz')).toBe(400)
  })

  it('a wrong method is told the right ones', async () => {
    const { url } = await serverWith()
    expect((await fetch(`${url}/topics/t`, { method: 'PUT' })).headers.get('allow')).toBe('POST, GET')
  })

  it('a body over 6 MB is 413, whether announced or not', async () => {
    const { url } = await serverWith()
    const announced = await fetch(`${url}/topics/t`, { method: 'POST', body: new Uint8Array(7 * 1024 * 1024) })
    expect([announced.status, await errorCode(announced)]).toEqual([413, 413])
    const pieces = Array.from({ length: 7 }, () => new Uint8Array(1024 * 1024))
    const stream = new ReadableStream({
      pull(controller) {
        const piece = pieces.pop()
        if (piece) controller.enqueue(piece)
        else controller.close()
      },
    })
    // The cast: `duplex` is needed for streams, and missing from the type.
    const chunked = await fetch(`${url}/topics/t`, { method: 'POST', body: stream, duplex: 'half' } as RequestInit)
    expect(chunked.status).toBe(413)
  })

  it('a body that fits but whose event does not is 413, as deployed', async () => {
    const { url } = await serverWith(async () => ({ statusCode: 200 }))
    const post = (body: string) =>
      fetch(`${url}/topics/t`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    expect((await post('a'.repeat(4 * 1024 * 1024))).status).toBe(200)
    expect((await post('"'.repeat(4 * 1024 * 1024))).status).toBe(413)
  })

  it('headers over 10 KB are 431, nonsense is 400', async () => {
    const { url } = await serverWith()
    expect(await raw(url, `GET /topics HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(12_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    )
    expect(await raw(url, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
  })

  it('a client that does not finish its request in time is 408', async () => {
    const { url } = await serverWith(echo, { requestTimeoutMs: 50 })
    const slow = await raw(url, 'POST /topics/t HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
    expect(slow).toMatch(/^HTTP\/1.1 408 /)
  })

  it('what is more than fits at once is 429', async () => {
    const { handler, called, open } = gate()
    const { url } = await serverWith(handler, { inFlightMax: 1 })
    const first = fetch(`${url}/topics`)
    await called
    const second = await fetch(`${url}/topics`)
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1'])
    open()
    expect((await first).status).toBe(200)
    expect((await fetch(`${url}/topics`)).status).toBe(200)
  })

  it('more body bytes than may be held at once are 429', async () => {
    const { url } = await serverWith(echo, { heldBodyBytesMax: 10 })
    const post = (body: string) => fetch(`${url}/topics/t`, { method: 'POST', body })
    expect((await post('12345678901')).status).toBe(429)
    expect((await post('1234567890')).status).toBe(200)
    expect((await post('1234567890')).status).toBe(200)
  })
})

describe('what a function answers', () => {
  it('goes out with its status, headers and body, base64 decoded', async () => {
    const { url } = await serverWith(async () => ({
      statusCode: 201,
      headers: { 'content-type': 'application/octet-stream' },
      body: 'AP+A',
      isBase64Encoded: true,
    }))
    const response = await fetch(`${url}/topics`)
    expect([response.status, response.headers.get('content-type')]).toEqual([201, 'application/octet-stream'])
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([0, 255, 128]))
  })

  it('may not be larger than Lambda allows', async () => {
    const { url } = await serverWith(async () => ({ statusCode: 200, body: 'a'.repeat(7 * 1024 * 1024) }))
    const response = await fetch(`${url}/topics`)
    expect([response.status, await errorCode(response)]).toEqual([500, 500])
  })

  it('comes within the time-out, or the caller is told 503', async () => {
    const { handler, open } = gate()
    const { url } = await serverWith(handler, { handlerTimeoutMs: 10 })
    expect((await fetch(`${url}/topics`)).status).toBe(503)
    open()
  })

  it('is 500 without a word where the function throws', async () => {
    const { url } = await serverWith(() => Promise.reject(new Error('secret')))
    const response = await fetch(`${url}/topics`)
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
  })

  it('cannot bring the server down by being no HTTP at all', async () => {
    let headers: Record<string, string> = { 'bad header': 'x' }
    const { url } = await serverWith(async () => ({ statusCode: 200, headers }))
    await expect(fetch(`${url}/topics`)).rejects.toThrow()
    headers = {}
    expect((await fetch(`${url}/topics`)).status).toBe(200)
  })
})

describe('a stop', () => {
  it('lets requests finish and takes no new ones', async () => {
    const { handler, called, open } = gate()
    const server = await serverWith(handler)
    const first = fetch(`${server.url}/topics`)
    await called
    const stopped = server.stop(60_000)
    await expect(fetch(`${server.url}/topics`)).rejects.toThrow()
    open()
    expect(await (await first).text()).toBe('late')
    await stopped
  })

  it('waits for a function whose caller has hung up', async () => {
    const { handler, called, open } = gate()
    const server = await serverWith(handler)
    const caller = new AbortController()
    const gone = fetch(`${server.url}/topics`, { signal: caller.signal }).catch(() => 'gone')
    await called
    caller.abort()
    await gone
    let stopped = false
    const stop = server.stop(60_000).then(() => {
      stopped = true
    })
    await expect(fetch(`${server.url}/topics`)).rejects.toThrow()
    // Turns enough for the server to find that no connection is left.
    for (let turn = 0; turn < 50; turn++) await setImmediate()
    expect(stopped).toBe(false)
    open()
    await stop
  })

  it('does not wait for ever', async () => {
    const { handler, called, open } = gate()
    const server = await serverWith(handler)
    const first = fetch(`${server.url}/topics`).catch(() => 'cut off')
    await called
    await server.stop(10)
    expect(await first).toBe('cut off')
    open()
  })
})
