/**
 * An HTTP proxy in front of DynamoDB's or S3's emulator that does to requests what networks and services do: loses them, loses
 * their answers, delivers them long after the caller gave up, or twice. What it says before or instead of the store is only what
 * AWS may truly say: a throttling or a 409 never follows an effect, and a 412 never stands where nothing was stored.
 */
import { Agent, createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { FaultKind, Plan, Service } from './plan.ts'

export type FaultyProxy = {
  readonly url: string
  /** How often each fault was done to a service, as `s3: answer lost`. */
  readonly fired: ReadonlyMap<string, number>
  requests(): number
  /** From now on faults happen. */
  trouble(): void
  /** From now on every request is carried out as it is. What is late stays on its way. */
  calm(): void
  /** Delivers everything that is still on its way, long after its callers have gone. */
  deliverLate(): Promise<number>
  stop(): Promise<void>
}

type Asked = { readonly method: string; readonly path: string; readonly headers: string[]; readonly body: Buffer }
type Answer = { readonly status: number; readonly headers: string[]; readonly body: Buffer }
type Late = { readonly deliver: () => Promise<unknown>; readonly atRequest: number }

/** A request that is late arrives when this many others have passed it by, or later. */
const passedByMax = 400

export async function startProxy(upstream: string, plan: Plan): Promise<FaultyProxy> {
  const target = new URL(upstream)
  const agent = new Agent({ keepAlive: true })
  const fired = new Map<string, number>()
  let late: Late[] = []
  let requests = 0
  let troubled = false

  const forward = (asked: Asked) => carryOut(target, agent, asked)
  const deliver = (due: (one: Late) => boolean) => {
    const now = late.filter(due)
    late = late.filter((one) => !now.includes(one))
    // A late copy has no caller left to tell.
    return Promise.all(now.map(({ deliver }) => deliver().catch(() => {})))
  }
  const hold = (asked: Asked) => {
    late.push({ deliver: () => forward(asked), atRequest: requests + 1 + plan.below(passedByMax) })
  }

  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const asked = await received(incoming)
    requests++
    void deliver(({ atRequest }) => atRequest <= requests)
    const service = serviceOf(incoming)
    const fault = troubled ? plan.next(service, isWrite(service, incoming)) : undefined
    if (fault) fired.set(`${service}: ${fault}`, (fired.get(`${service}: ${fault}`) ?? 0) + 1)
    await answer(
      fault,
      service,
      response,
      () => forward(asked),
      () => hold(asked),
    )
  }
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    handle(incoming, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    fired,
    requests: () => requests,
    trouble: () => {
      troubled = true
    },
    calm: () => {
      troubled = false
    },
    deliverLate: async () => (await deliver(() => true)).length,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      agent.destroy()
    },
  }
}

async function answer(
  fault: FaultKind | undefined,
  service: Service,
  response: ServerResponse,
  forward: () => Promise<Answer>,
  hold: () => void,
): Promise<void> {
  switch (fault) {
    case undefined:
      return reply(response, await forward())
    case 'request lost':
      return reset(response)
    case 'answer lost':
      await forward()
      return reset(response)
    case 'half an answer':
      return half(response, await forward())
    case 'no answer':
      await forward()
      return goneCaller(response)
    case 'delivered late':
      await goneCaller(response)
      return hold()
    case 'delivered twice':
      await forward()
      return reply(response, await forward())
    case '500 after':
    case '503 after':
    case '412 after': {
      const { status } = await forward()
      // Nothing was stored by a request that the store itself refused.
      return reply(response, refusal(fault === '412 after' && status !== 200 ? '500 after' : fault, service))
    }
    default:
      return reply(response, refusal(fault, service))
  }
}

/** What the services say: status, and their own name for it. */
const refusals: Partial<Record<FaultKind, readonly [status: number, name: Record<Service, string>]>> = {
  '500 before': [500, { dynamodb: 'InternalServerError', s3: 'InternalError' }],
  '500 after': [500, { dynamodb: 'InternalServerError', s3: 'InternalError' }],
  '503 before': [503, { dynamodb: 'ServiceUnavailable', s3: 'ServiceUnavailable' }],
  '503 after': [503, { dynamodb: 'ServiceUnavailable', s3: 'ServiceUnavailable' }],
  throttled: [400, { dynamodb: 'ThrottlingException', s3: '' }],
  'transaction conflict': [400, { dynamodb: 'TransactionConflictException', s3: '' }],
  'slow down': [503, { dynamodb: '', s3: 'SlowDown' }],
  '409 before': [409, { dynamodb: '', s3: 'ConditionalRequestConflict' }],
  '412 after': [412, { dynamodb: '', s3: 'PreconditionFailed' }],
}

function refusal(fault: FaultKind, service: Service): Answer {
  const [status, names] = refusals[fault] ?? [500, { dynamodb: 'InternalServerError', s3: 'InternalError' }]
  const name = names[service]
  const text =
    service === 's3'
      ? `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${name}</Code><Message>Injected.</Message></Error>`
      : JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: 'Injected.' })
  const type = service === 's3' ? 'application/xml' : 'application/x-amz-json-1.0'
  return { status, headers: ['content-type', type], body: Buffer.from(text) }
}

/** MiniStack answers both services at one address. */
const serviceOf = ({ headers }: IncomingMessage): Service => (headers['x-amz-target'] ? 'dynamodb' : 's3')

function isWrite(service: Service, { method, headers }: IncomingMessage): boolean {
  if (service === 's3') return method === 'PUT'
  return /\.(UpdateItem|DeleteItem|TransactWriteItems)$/.test(String(headers['x-amz-target']))
}

function reply(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, [...headers, 'content-length', String(body.length)])
  response.end(body)
}

/** The whole length is promised, and the connection breaks in the middle. */
async function half(response: ServerResponse, { status, headers, body }: Answer): Promise<void> {
  response.writeHead(status, [...headers, 'content-length', String(Math.max(1, body.length))])
  response.flushHeaders()
  await new Promise<void>((resolve) => response.write(body.subarray(0, body.length >> 1), () => resolve()))
  reset(response)
}

const reset = (response: ServerResponse): void => void response.socket?.resetAndDestroy()

/** Resolves once the caller has given up waiting. */
const goneCaller = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    if (response.closed || response.destroyed) resolve()
    else response.once('close', resolve)
  })

async function received(incoming: IncomingMessage): Promise<Asked> {
  const { method = 'GET', url: path = '/' } = incoming
  return { method, path, headers: kept(incoming.rawHeaders), body: await wholeBody(incoming) }
}

function carryOut(target: URL, agent: Agent, { method, path, headers, body }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = send(
      {
        agent,
        hostname: target.hostname,
        port: target.port,
        method,
        path,
        headers: [...headers, 'content-length', String(body.length)],
      },
      (incoming) =>
        wholeBody(incoming).then(
          (answered) =>
            resolve({ status: incoming.statusCode ?? 0, headers: kept(incoming.rawHeaders), body: answered }),
          reject,
        ),
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function wholeBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Headers that speak of one connection, and are given anew on the next. */
const ofConnection = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'expect'])

function kept(raw: readonly string[]): string[] {
  const headers: string[] = []
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = '', value = ''] = raw.slice(at, at + 2)
    if (!ofConnection.has(name.toLowerCase())) headers.push(name, value)
  }
  return headers
}
