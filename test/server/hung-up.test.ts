import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultSettings } from '../../src/runtime/settings.ts'
import { systemClock } from '../../src/runtime/system.ts'
import { type HttpServer, startHttpServer } from '../../src/server/http.ts'
import { localCore, localHandlers } from '../../src/server/local-handlers.ts'
import type { HttpHandler } from '../../src/server/respond.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'

const v2 = 'application/vnd.kafka.v2+json'
const json = 'application/vnd.kafka.json.v2+json'

let server: HttpServer
/** What happens between the handler's answer and its way to the client. */
let beforeAnswer: Parameters<typeof watched>[1]
let polling = 0

/** The handler, and how many of its calls are under way. */
const watched =
  (handler: HttpHandler, before: (context: Parameters<HttpHandler>[1]) => Promise<void>): HttpHandler =>
  async (event, context) => {
    polling++
    try {
      const result = await handler(event, context)
      await before(context)
      return result
    } finally {
      polling--
    }
  }

beforeEach(async () => {
  const handlers = localHandlers(localCore(memoryStores(), systemClock, defaultSettings))
  beforeAnswer = async () => {}
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    clock: systemClock,
    handlers: { ...handlers, fetch: watched(handlers.fetch, (context) => beforeAnswer(context)) },
  })
  await call('POST', '/topics/t/partitions/0', { records: [{ value: 'first' }] }, json)
  const settings = { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' }
  await call('POST', '/consumers/g', settings)
  await call('POST', `${base}/assignments`, { partitions: [{ topic: 't', partition: 0 }] })
})
afterEach(() => server.stop(0))

const base = '/consumers/g/instances/i'

async function call(method: string, path: string, body: unknown, type = v2): Promise<void> {
  const headers = { 'content-type': type }
  const answer = await fetch(server.url + path, { method, headers, body: JSON.stringify(body) })
  expect(answer.ok, await answer.text()).toBe(true)
}

async function poll(timeout: number, signal?: AbortSignal): Promise<unknown[]> {
  const path = `${base}/records?timeout=${timeout}`
  const answer = await fetch(server.url + path, { headers: { accept: json }, ...(signal ? { signal } : {}) })
  // The cast: the shape of the contract.
  return ((await answer.json()) as { value: unknown }[]).map(({ value }) => value)
}

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

describe('a client that hangs up', () => {
  it('while its poll waits takes no record with it', async () => {
    expect(await poll(1_000)).toEqual(['first'])
    const client = new AbortController()
    const given = poll(20_000, client.signal).catch(() => 'given up')
    await until(() => polling === 1)
    client.abort()
    expect(await given).toBe('given up')
    await until(() => polling === 0)
    await call('POST', '/topics/t/partitions/0', { records: [{ value: 'second' }] }, json)
    expect(await poll(1_000)).toEqual(['second'])
    // Well before the 20 s that the poll was to wait.
  }, 15_000)

  it('before its answer is written gets the records with its next poll', async () => {
    const client = new AbortController()
    let answers = 0
    beforeAnswer = async (context) => {
      if (++answers > 1) return
      client.abort()
      await until(() => context.caller?.gone.aborted === true)
    }
    expect(await poll(1_000, client.signal).catch(() => 'given up')).toBe('given up')
    const got: unknown[] = []
    for (let polls = 0; polls < 20 && got.length === 0; polls++) got.push(...(await poll(100)))
    expect(got).toEqual(['first'])
    expect(await poll(0)).toEqual([])
  })
})
