import { message, response } from '../codec/message.ts'
import { int16, int32, legacy, nullable, string } from '../codec/schema.ts'

/**
 * Before every request; v2 before flexible ones. The client id keeps its old form, so that a broker can read the header of an
 * ApiVersions request of any version.
 */
export const requestHeader = message('RequestHeader', [1, 2], 2, {
  requestApiKey: int16,
  requestApiVersion: int16,
  correlationId: int32,
  clientId: legacy(nullable(string)),
})

/** Before every answer; v1 before flexible ones, save those of ApiVersions. */
export const responseHeader = response('ResponseHeader', [0, 1], 1, { correlationId: int32 })
