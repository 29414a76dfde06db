/** Calls to a REST door under test: a deployed API (signed), or a server on this machine (plain). */
import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'

export type Answer = { readonly status: number; readonly type: string; readonly body: unknown; readonly text: string }
export type Init = { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
export type Call = (method: string, path: string, init?: Init) => Promise<Answer>

type Send = (method: string, url: URL, headers: Record<string, string>, body: string | undefined) => Promise<Response>

/** `baseUrl` may have a path of its own (a stage). A string or bytes go as they are, anything else as JSON. */
const caller =
  (baseUrl: string, send: Send): Call =>
  async (method, path, { headers = {}, body } = {}) => {
    const url = new URL(baseUrl.replace(/\/$/, '') + path)
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const response = await send(method, url, { ...headers }, text)
    const answer = await response.text()
    const type = response.headers.get('content-type') ?? ''
    return {
      status: response.status,
      type,
      text: answer,
      body: answer !== '' && type.includes('json') ? JSON.parse(answer) : undefined,
    }
  }

export const plainCalls = (baseUrl: string): Call =>
  caller(baseUrl, (method, url, headers, body) =>
    fetch(url, { method, headers, ...(body === undefined ? {} : { body }) }),
  )

export type Credentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Signature Version 4: what IAM authorization asks for (`execute-api`), and AWS's own services. */
export const signedSend = (credentials: Credentials, region: string, service: string): Send => {
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256 })
  return async (method, url, headers, body) => {
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...headers, host: url.host },
      ...(body === undefined ? {} : { body }),
    })
    return fetch(url, { method, headers: signed.headers, ...(body === undefined ? {} : { body }) })
  }
}

export const signedCalls = (baseUrl: string, credentials: Credentials, region: string): Call =>
  caller(baseUrl, signedSend(credentials, region, 'execute-api'))

/** Node's own SHA-256 in the shape that the signer asks for. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest())
  }
  reset(): void {
    throw new Error('A signature needs each hash once')
  }
}

const bytesOf = (data: string | ArrayBuffer | ArrayBufferView): Uint8Array => {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}
