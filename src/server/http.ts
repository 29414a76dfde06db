/**
 * The deployed API on one machine: Node's HTTP server in the place of API Gateway, calling the very handlers that Lambda
 * calls, with the same events and under the same limits.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { Clock } from '../runtime/clock.ts'
import { answer, errorResult } from './answer.ts'
import { announcedBytes, dropRest } from './body.ts'
import { callerBehind } from './caller.ts'
import { type PlatformLimits, platformLimits } from './platform-limits.ts'
import { type Handlers, respond } from './respond.ts'

export type HttpServer = {
  /** `http://host:port`, the port as given by the system where 0 was asked for. */
  readonly url: string
  /** Takes no more requests, waits up to `graceMs` for those being answered, then cuts them off. */
  stop(graceMs: number): Promise<void>
}

export type HttpOptions = {
  readonly host: string
  readonly port: number
  readonly handlers: Handlers
  readonly clock: Clock
  readonly limits?: Partial<PlatformLimits>
}

/** What the server keeps count of. `running` handlers may outlive their requests: a client that hangs up stops none, though
 * each is told. */
type Load = { inFlight: number; heldBodyBytes: number; stopping: boolean; readonly running: Set<Promise<unknown>> }

/** Listens. Rejects with Node's error (`EADDRINUSE`, `EACCES`, …) where it cannot. */
export async function startHttpServer(options: HttpOptions): Promise<HttpServer> {
  const limits = { ...platformLimits, ...options.limits }
  const load: Load = { inFlight: 0, heldBodyBytes: 0, stopping: false, running: new Set() }
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    headersTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, limits.requestTimeoutMs),
    keepAliveTimeout: 60_000,
    requireHostHeader: false,
  })
  server.maxConnections = limits.connectionsMax
  // For clients that do not read what they asked for.
  server.setTimeout(limits.handlerTimeoutMs + limits.requestTimeoutMs)
  const serve = (request: IncomingMessage, response: ServerResponse) =>
    void serveBounded(request, response, options, limits, load)
  server.on('request', serve)
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (announcedBytes(request, limits.eventBytesMax) <= limits.eventBytesMax) response.writeContinue()
    serve(request, response)
  })
  server.on('clientError', refuseUnreadable)
  const address = await listen(server, options.host, options.port)
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return {
    url: `http://${host}:${address.port}`,
    stop: (graceMs) => stop(server, load, options.clock, graceMs),
  }
}

function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve(server.address() as AddressInfo) // A string only for pipes.
    })
  })
}

async function stop(server: Server, load: Load, clock: Clock, graceMs: number): Promise<void> {
  load.stopping = true
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const overdue = new AbortController()
  const finished = closed.then(() => Promise.allSettled(load.running))
  await Promise.race([finished, clock.sleep(graceMs, overdue.signal)])
  overdue.abort()
  server.closeAllConnections()
  await closed
}

async function serveBounded(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpOptions,
  limits: PlatformLimits,
  load: Load,
): Promise<void> {
  const bytes = Math.min(announcedBytes(request, limits.eventBytesMax), limits.eventBytesMax)
  // A client that goes away in the middle of an answer is no error of ours.
  response.on('error', () => {})
  if (load.stopping) response.setHeader('connection', 'close')
  if (load.inFlight >= limits.inFlightMax || load.heldBodyBytes + bytes > limits.heldBodyBytesMax) {
    send(request, response, errorResult(429, 'Too many requests at once', { 'retry-after': '1' }))
    return
  }
  load.inFlight++
  load.heldBodyBytes += bytes
  try {
    const caller = callerBehind(response, load.running)
    const result = await respond(request, options, limits, load.running, { caller })
    if (load.stopping && !response.headersSent) response.setHeader('connection', 'close')
    if (result) send(request, response, result)
  } catch {
    response.destroy() // What the handler returned cannot be written as HTTP.
  } finally {
    load.inFlight--
    load.heldBodyBytes -= bytes
  }
}

/** A request may be answered before it has been read to its end. */
function send(request: IncomingMessage, response: ServerResponse, result: APIGatewayProxyStructuredResultV2): void {
  if (!request.complete && !response.headersSent) response.setHeader('connection', 'close')
  answer(response, result)
  dropRest(request, 2_000)
}

/** What could not be read as HTTP at all: oversized headers, nonsense, a client too slow to ask. */
function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, reason] = unreadable[error.code ?? ''] ?? [400, 'Bad Request']
  const body = JSON.stringify({ error_code: status, message: `HTTP ${status} ${reason}` })
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}

const unreadable: Readonly<Record<string, readonly [status: number, reason: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
}
