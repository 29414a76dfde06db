/** A small client of the REST contract: signs where it has to, tells what may be tried again, and tries it again. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setTimeout as pause } from 'node:timers/promises'
import { type Credentials, signedSend } from '../test/e2e/calls.ts'

export const v2Type = 'application/vnd.kafka.v2+json'
export const jsonType = 'application/vnd.kafka.json.v2+json'

/** `url` may have a path of its own: the stage of a deployed API. */
export type Target = { readonly url: string; readonly signed: boolean }

export type Rest = (
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  init?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown },
) => Promise<unknown>

/** Whether an address is an API Gateway's: of AWS, LocalStack or MiniStack. Its routes ask for a signature. */
export const isApiGateway = (url: string): boolean =>
  /(\.|^)execute-api\./.test(new URL(url).hostname) || /^\/(_aws\/execute-api|restapis)\//.test(new URL(url).pathname)

/** The call may succeed if it is made again, and making it again is harmless. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain'
}

/** The server's word that it will not do this, asked again or not. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  constructor(status: number, problem: string) {
    super(problem)
    this.status = status
  }
}

const attemptMsMax = 40_000
const insistMsMax = 120_000
const pauseMsMax = 2_000

/** Makes an attempt until it succeeds or fails for good; gives up after two minutes. Pauses grow from 50 ms to 2 s. */
export async function insist<T>(attempt: (attempts: number) => Promise<T>): Promise<T> {
  const deadlineMs = Date.now() + insistMsMax
  for (let attempts = 0; ; attempts++) {
    try {
      return await attempt(attempts)
    } catch (error) {
      if (!(error instanceof TryAgain) || Date.now() > deadlineMs) throw error
    }
    await pause(Math.min(pauseMsMax, 50 * 2 ** attempts) * (0.5 + Math.random() / 2))
  }
}

type Send = ReturnType<typeof signedSend>

/** A client whose calls throw `TryAgain` for trouble that may pass, and `Refused` for any other answer than success. */
export async function connect({ url, signed }: Target): Promise<Rest> {
  const send = signed ? await signing(new URL(url)) : plain
  const base = url.replace(/\/$/, '')
  return async (method, path, { headers = {}, body } = {}) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const { status, answer } = await exchange(send, method, new URL(base + path), { ...headers }, text)
    if (status >= 200 && status < 300) return answer === '' ? undefined : JSON.parse(answer)
    const problem = `${method} ${path} was answered ${status}: ${answer.slice(0, 500)}`
    throw status === 408 || status === 429 || status >= 500 ? new TryAgain(problem) : new Refused(status, problem)
  }
}

async function exchange(send: Send, method: string, url: URL, headers: Record<string, string>, text?: string) {
  try {
    const response = await send(method, url, headers, text)
    return { status: response.status, answer: await response.text() }
  } catch (error) {
    // What fetch says of a connection that broke or never was: the reason is in its cause.
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    throw new TryAgain(`${method} ${url} had no answer: ${reason}`, { cause: error })
  }
}

const plain: Send = (method, url, headers, body) =>
  fetch(url, { method, headers, signal: AbortSignal.timeout(attemptMsMax), ...(body === undefined ? {} : { body }) })

/** Resolves once the next request with a body has left for the network: from then on, only its answer tells its outcome. */
export function nextRequestSent(): Promise<void> {
  // A channel of the HTTP client behind Node's fetch: https://undici.nodejs.org/#/docs/api/DiagnosticsChannel
  const channel = 'undici:request:bodySent'
  return new Promise((resolve) => {
    const heard = () => {
      unsubscribe(channel, heard)
      resolve()
    }
    subscribe(channel, heard)
  })
}

/** The credentials of the environment, a profile or the machine, as AWS's own tools find them. */
async function signing(url: URL): Promise<Send> {
  const named = /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com/.exec(url.hostname)?.[1]
  const region = named ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1'
  return signedSend(await credentials(region, named !== undefined), region, 'execute-api')
}

async function credentials(region: string, isAws: boolean): Promise<Credentials> {
  const { AWS_ACCESS_KEY_ID, AWS_PROFILE } = process.env
  // An emulator takes any.
  if (!isAws && !AWS_ACCESS_KEY_ID && !AWS_PROFILE) return { accessKeyId: 'test', secretAccessKey: 'test' }
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
  const client = new DynamoDBClient({ region })
  try {
    return await client.config.credentials()
  } finally {
    client.destroy()
  }
}
