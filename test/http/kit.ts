import { type LambdaHandler, lambdaHandler } from '../../src/http/lambda.ts'
import { allRoutes } from '../../src/http/routes.ts'
import type { Core } from '../../src/runtime/core.ts'
import { freshMemory } from '../../src/runtime/memory.ts'
import { defaultSettings, type Settings } from '../../src/runtime/settings.ts'
import { systemClock, systemRandom } from '../../src/runtime/system.ts'
import { matchRoute } from '../../src/server/route-table.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import type { ItemStore, Key } from '../../src/store/items.ts'
import type { StoreUse } from '../../src/store/meter.ts'
import type { Stores } from '../../src/store/stores.ts'

export const v2 = 'application/vnd.kafka.v2+json'
export const jsonType = 'application/vnd.kafka.json.v2+json'
export const binaryType = 'application/vnd.kafka.binary.v2+json'

export type Call = {
  body?: unknown
  type?: string
  accept?: string
  query?: Record<string, string>
  headers?: Record<string, string>
  userArn?: string
  stage?: string
}
export type Answer = {
  status: number
  headers: Record<string, string>
  text: string
  json: unknown
  isBase64Encoded: boolean
}

export type Server = {
  readonly core: Core
  call(method: string, path: string, call?: Call): Promise<Answer>
}

/** All handlers over one core, called with the events of an HTTP API. */
export function serverOver(core: Core): Server {
  const open = async () => core
  const handlers: Record<string, LambdaHandler> = Object.fromEntries(
    Object.entries(allRoutes).map(([name, routes]) => [name, lambdaHandler(name, routes, open)]),
  )
  return {
    core,
    async call(method, path, call = {}) {
      const match = matchRoute(method, path)
      if ('status' in match) throw new Error(`no route for ${method} ${path}`)
      const handler = handlers[match.function]
      if (!handler) throw new Error(`no function ${match.function}`)
      return answered(await handler(eventOf(method, path, match.routeKey, call)))
    },
  }
}

export function eventOf(method: string, path: string, routeKey: string, call: Call) {
  const { body, type, accept, query, headers, userArn, stage } = call
  const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array
  const content = raw ? body : JSON.stringify(body)
  return {
    version: '2.0',
    routeKey,
    rawPath: stage ? `/${stage}${path}` : path,
    rawQueryString: '',
    headers: {
      Host: 'log.example',
      'X-Forwarded-Proto': 'https',
      ...(type === undefined ? {} : { 'Content-Type': type }),
      ...(accept === undefined ? {} : { Accept: accept }),
      ...headers,
    },
    ...(query ? { queryStringParameters: query } : {}),
    requestContext: {
      requestId: 'request',
      http: { method },
      ...(userArn ? { authorizer: { iam: { userArn } } } : {}),
    },
    ...(content === undefined
      ? {}
      : { body: content instanceof Uint8Array ? Buffer.from(content).toString('base64') : content }),
    isBase64Encoded: content instanceof Uint8Array,
  }
}

function answered(result: Awaited<ReturnType<LambdaHandler>>): Answer {
  const text = result.isBase64Encoded ? Buffer.from(result.body, 'base64').toString() : result.body
  const { statusCode: status, headers, isBase64Encoded } = result
  return { status, headers, text, json: oneDocument(text), isBase64Encoded }
}

/** `undefined` for no document, and for several: a test that expects them reads the text. */
function oneDocument(text: string): unknown {
  return text === '' || /\}\r\n\{/.test(text) ? undefined : JSON.parse(text)
}

/** Stores that tell what reached them, and can be made to fail. */
export type Watched = Stores & {
  /** Writes that changed something. */
  readonly writes: StoreUse[]
  /** Called before and after every call to the items; what it throws is what the caller sees. */
  trouble: (moment: 'before' | 'after', call: string, key: Key | undefined) => void
}

export function watchedStores(): Watched {
  const stores = memoryStores(() => Date.now())
  const writes: StoreUse[] = []
  const meter = (use: StoreUse) => {
    const isWrite = ['update', 'delete', 'transact', 'put'].includes(use.call)
    if (isWrite && use.outcome === 'ok') writes.push(use)
  }
  const watched: Watched = {
    items: troubled(stores.items.metered(meter), (...seen) => watched.trouble(...seen)),
    objects: stores.objects.metered(meter),
    close: stores.close,
    writes,
    trouble: () => {},
  }
  return watched
}

function troubled(items: ItemStore, trouble: Watched['trouble']): ItemStore {
  const around = async <T>(call: string, key: Key | undefined, run: () => Promise<T>): Promise<T> => {
    trouble('before', call, key)
    const result = await run()
    trouble('after', call, key)
    return result
  }
  return {
    get: (key) => around('get', key, () => items.get(key)),
    batchGet: (keys) => around('batchGet', keys[0], () => items.batchGet(keys)),
    query: (query) => around('query', undefined, () => items.query(query)),
    update: (key, update) => around('update', key, () => items.update(key, update)),
    delete: (key, condition) => around('delete', key, () => items.delete(key, condition)),
    transact: (actions) => around('transact', undefined, () => items.transact(actions)),
    metered: (meter) => troubled(items.metered(meter), trouble),
  }
}

/** A server of its own memory over stores that others may share. */
export function newServer(
  stores: Pick<Stores, 'items' | 'objects'> = memoryStores(),
  settings: Partial<Settings> = {},
): Server {
  const chosen = { ...defaultSettings, ...settings }
  const { items, objects } = stores
  return serverOver({
    items,
    objects,
    clock: systemClock,
    random: systemRandom,
    settings: chosen,
    memory: freshMemory(chosen.cacheBytes),
  })
}

/** Two servers over one store: what one is told, the other knows. */
export function twoServers(settings: Partial<Settings> = {}) {
  const stores = watchedStores()
  return { stores, a: newServer(stores, settings), b: newServer(stores, settings) }
}

/** Makes a topic through the API. */
export async function makeTopic(server: Server, name: string, partitions = 1, configs: Record<string, string> = {}) {
  const clusters = await server.call('GET', '/v3/clusters')
  const id = /"cluster_id":"([^"]+)"/.exec(clusters.text)?.[1] ?? ''
  const body = {
    topic_name: name,
    partitions_count: partitions,
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  }
  const made = await server.call('POST', `/v3/clusters/${id}/topics`, { body, type: 'application/json' })
  if (made.status !== 201) throw new Error(made.text)
  return id
}

export const produceJson = (server: Server, path: string, records: unknown[], headers: Record<string, string> = {}) =>
  server.call('POST', path, { body: { records }, type: jsonType, headers })

export const offsetsOf = (answer: Answer) =>
  (
    answer.json as {
      offsets: { partition: number | null; offset: number | null; error_code: number | null; error: string | null }[]
    }
  ).offsets

/** Error answers in one line, to compare. */
export const failed = (answer: Answer): string => {
  const { error_code: code, message } = answer.json as { error_code: number; message: string }
  if (typeof message !== 'string' || message === '' || Object.keys(answer.json as object).length !== 2)
    throw new Error(answer.text)
  return `${answer.status} ${code}`
}
