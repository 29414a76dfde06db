/** The deployment, as `millrace connect` reaches it: one HTTP call a frame, over connections that are kept. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { advertiseHeader, frameType, pendingHeader } from '../http/kafka/wire.ts'

export type FarAnswer = {
  /** Without its length; undefined where the request wants none. */
  readonly frame: Buffer | undefined
  /** The group is not ready: ask again, under this member id. */
  readonly pending?: string
}

/**
 * Why there is no answer.
 *   not-done   nothing was done: it was not sent, or turned away at the gate
 *   unknown    it may have been done, or be done yet
 *   too-large  the request, or its answer, is larger than a call may be
 *   refused    the sender may not, or there is nobody who knows such calls
 *   malformed  the frame is no request that is served: Kafka's broker would close the connection
 */
export type FarTrouble = 'not-done' | 'unknown' | 'too-large' | 'refused' | 'malformed'

export class FarEndError extends Error {
  override readonly name = 'FarEndError'
  readonly trouble: FarTrouble

  constructor(trouble: FarTrouble, message: string) {
    super(message)
    this.trouble = trouble
  }
}

export type FarEnd = {
  /** Sends once. Rejects with FarEndError. */
  send(frame: Uint8Array, signal?: AbortSignal): Promise<FarAnswer>
  close(): void
}

/** Adds a signature's headers to those of a call. `anew`: by credentials read anew. Rejects where there are none. */
export type Sign = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  anew?: boolean,
) => Promise<Readonly<Record<string, string>>>

export type FarEndOptions = {
  /** Of the API; `kafka` is asked for below it. */
  readonly url: string
  /** Where clients of this port are to connect: `host:port`. */
  readonly advertise: string
  /** Undefined: calls go unsigned. */
  readonly sign?: Sign
  /** A call without an answer is given up after this long; the gateway gives up after 30 s. */
  readonly timeoutMs?: number
}

/** Calls at once; more wait for a connection. */
const socketsMax = 256
/** An idle connection is closed before the other end does, which would cost the next call its outcome. */
const idleMs = 15_000
const answerBytesMax = 8 * 1024 * 1024
const forbidden = 403

export function farEnd({ url, advertise, sign, timeoutMs = 35_000 }: FarEndOptions): FarEnd {
  const target = new URL('kafka', url.endsWith('/') ? url : `${url}/`)
  const isSecure = target.protocol === 'https:'
  const options = { keepAlive: true, maxSockets: socketsMax, timeout: idleMs }
  const agent = isSecure ? new HttpsAgent(options) : new HttpAgent(options)
  const plain = { 'content-type': frameType, [advertiseHeader]: advertise, host: target.host }
  const call = async (frame: Uint8Array, anew: boolean, signal: AbortSignal | undefined) => {
    const headers = sign ? await sign(target, plain, frame, anew) : plain
    const all = { ...headers, 'content-length': String(frame.length) }
    const begin = isSecure ? httpsRequest : httpRequest
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      let sent = false
      const request = begin(target, {
        method: 'POST',
        agent,
        headers: all,
        timeout: timeoutMs,
        ...(signal && { signal }),
      })
      request.on('socket', (socket) => {
        if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', () => (sent = true))
        else sent = true
      })
      request.on('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)))
      request.on('response', resolve)
      request.on('error', (error) => reject(new FarEndError(sent ? 'unknown' : 'not-done', error.message)))
      request.end(frame)
    })
    return { response, body: await bodyOf(response) }
  }
  return {
    async send(frame, signal) {
      let { response, body } = await call(frame, false, signal)
      // Credentials end, and others take their place, while this runs.
      if (sign && response.statusCode === forbidden) ({ response, body } = await call(frame, true, signal))
      return understood(response, body)
    },
    close: () => agent.destroy(),
  }
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  try {
    // The cast: without setEncoding Node's streams yield Buffers, which its types do not say.
    for await (const piece of response as AsyncIterable<Buffer>) {
      length += piece.length
      if (length > answerBytesMax) throw new Error('the answer has no end')
      pieces.push(piece)
    }
  } catch (error) {
    throw new FarEndError('unknown', error instanceof Error ? error.message : String(error))
  }
  return Buffer.concat(pieces, length)
}

function understood({ statusCode = 0, headers }: IncomingMessage, body: Buffer): FarAnswer {
  const pending = headers[pendingHeader]
  if (statusCode === 204) return { frame: undefined }
  if (statusCode === 200 && headers['content-type'] === frameType) {
    return { frame: body, ...(typeof pending === 'string' && { pending: decodeURIComponent(pending) }) }
  }
  throw new FarEndError(troubleOf(statusCode), `HTTP ${statusCode}: ${wordsOf(body)}`)
}

function troubleOf(status: number): FarTrouble {
  if (status === 429) return 'not-done'
  if (status === 413) return 'too-large'
  if (status === 400) return 'malformed'
  return status >= 500 ? 'unknown' : 'refused'
}

/** Our own errors and the gateway's both have a `message`. */
function wordsOf(body: Buffer): string {
  const text = body.toString('utf8', 0, 1_000)
  try {
    const { message, Message = message } = JSON.parse(text) as { message?: unknown; Message?: unknown } // unknown JSON
    return String(Message)
  } catch {
    return text.replaceAll(/\s+/g, ' ').slice(0, 200) || 'no reason given'
  }
}
