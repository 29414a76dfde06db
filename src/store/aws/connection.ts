/** How this program reaches AWS: where, as whom, how long it waits. One pool of connections for all clients of a process. */
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Clock } from '../../runtime/clock.ts'
import { correctedClock, type ServerTime } from './server-time.ts'

export type ConnectionOptions = {
  /** Another address than AWS's own (an emulator). `AWS_ENDPOINT_URL`, which the SDK itself reads, is the usual way. */
  readonly endpoint?: string
  readonly region?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly clock: Clock
  /** How long a write may take in all, from handing it over to the whole answer. 5 s unless told. */
  readonly writeTimeoutMs?: number
  /** How long one attempt of a read may wait for the answer to begin; a read has three. 2 s unless told. */
  readonly readTimeoutMs?: number
  readonly connectTimeoutMs?: number
}

export type Connection = {
  readonly endpoint: string | undefined
  /** The machine's clock, corrected by what the services' answers say. */
  readonly clock: Clock
  readonly serverTime: ServerTime
  readonly writeTimeoutMs: number
  readonly readTimeoutMs: number
  /** What every client is made with. */
  readonly client: {
    readonly requestHandler: NodeHttpHandler
    readonly region?: string
    readonly endpoint?: string
    readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  }
}

/** As many requests at once as one process sensibly has; beyond it they queue for a connection. */
const maxSockets = 256

export function connect(options: ConnectionOptions): Connection {
  const { endpoint, region, credentials } = options
  const { connectTimeoutMs = 1_000, writeTimeoutMs = 5_000, readTimeoutMs = 2_000 } = options
  const requestHandler = new NodeHttpHandler({
    connectionTimeout: connectTimeoutMs,
    // Without it an elapsed `requestTimeout` is only logged, and the call hangs on.
    throwOnRequestTimeout: true,
    httpAgent: { keepAlive: true, maxSockets },
    httpsAgent: { keepAlive: true, maxSockets },
  })
  const serverTime = correctedClock(options.clock)
  return {
    endpoint: endpoint ?? process.env.AWS_ENDPOINT_URL,
    clock: serverTime.clock,
    serverTime,
    writeTimeoutMs,
    readTimeoutMs,
    client: {
      requestHandler,
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      ...(credentials && { credentials }),
    },
  }
}

/** Three attempts, and the waiting between them. */
export const readDeadlineMs = (connection: Connection) => 4 * connection.readTimeoutMs

/** A client's middleware that shows each answer's `Date` header to the corrected clock. */
export const observing =
  (serverTime: ServerTime) =>
  <Args, Answer extends { response: unknown }>(next: (args: Args) => Promise<Answer>) =>
  async (args: Args): Promise<Answer> => {
    const sentMs = serverTime.localNow()
    const answer = await next(args)
    const receivedMs = serverTime.localNow()
    // The deserialize step hands on an HttpResponse; the stack types it as unknown.
    const { headers } = answer.response as { headers?: Record<string, string> }
    serverTime.observe(headers?.date, sentMs, receivedMs)
    return answer
  }
