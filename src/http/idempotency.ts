/** `Idempotency-Key` (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/) on produce. */
import { createHash } from 'node:crypto'
import type { Core } from '../runtime/core.ts'
import { HttpError } from './errors.ts'
import { idempotencyKeyMax } from './limits.ts'
import type { HttpRequest } from './request.ts'

export type Idempotency = {
  readonly key: string
  readonly principal: string
  readonly fingerprint: Uint8Array
  readonly arrivedUptimeMs: number
}

/**
 * The call's key and what makes two calls the same call: method, path, content type and body. `undefined` without the header;
 * 400 40002 for a key that is empty, too long, or not printable ASCII. To be asked before anything is waited for: it notes the time.
 */
export function idempotencyOf({ clock }: Core, request: HttpRequest): Idempotency | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (!/^[\x20-\x7e]+$/.test(key) || key.length > idempotencyKeyMax) {
    throw new HttpError('badRequest', `Idempotency-Key must be 1 to ${idempotencyKeyMax} printable ASCII characters.`)
  }
  const type = (request.headers['content-type'] ?? '').toLowerCase()
  const call = JSON.stringify([request.route, Object.entries(request.params).sort(), type])
  const fingerprint = createHash('sha256').update(call).update('\n').update(request.body).digest()
  return {
    key,
    principal: request.principal,
    fingerprint: new Uint8Array(fingerprint),
    arrivedUptimeMs: clock.uptime(),
  }
}
