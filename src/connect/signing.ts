/** Signature Version 4 for calls of AWS that no client of the SDK makes here: by whoever runs this, as every AWS tool finds them. */
import { createHash, createHmac } from 'node:crypto'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Sign } from './far-end.ts'

/** Credentials of the SDK's default chain: environment, profiles, SSO, container, instance. */
export function signing(region: string, service = 'execute-api'): Sign {
  const credentials = defaultProvider({ ignoreCache: true })
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256 })
  return async (url, headers, body, anew) => {
    // Those of a file bear no end, and are kept for ever.
    if (anew) await credentials({ forceRefresh: true })
    const signed = await signer.sign({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: url.pathname,
      query: {},
      headers: { ...headers },
      body,
    })
    return signed.headers
  }
}

/** `https://<id>.execute-api.<region>.amazonaws.com` names it. */
export const regionOf = (url: string): string | undefined =>
  /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(new URL(url).hostname)?.[1]

type Data = string | ArrayBuffer | ArrayBufferView

/** Node's own SHA-256 in the shape that the signer asks for. */
class Sha256 {
  readonly #hash
  constructor(secret?: Data) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }
  update(data: Data): void {
    this.#hash.update(bytesOf(data))
  }
  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest())
  }
  reset(): void {
    throw new Error('a signature needs each hash once')
  }
}

const bytesOf = (data: Data): Uint8Array => {
  if (typeof data === 'string') return Buffer.from(data)
  return ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
}
