import { message, response } from '../codec/message.ts'
import { int16, int32, orNull, since, string } from '../codec/schema.ts'

/** Key 12. v3 static members (KIP-345). */
export const heartbeatRequest = message('HeartbeatRequest', [0, 4], 4, {
  groupId: string,
  generationId: int32,
  memberId: string,
  groupInstanceId: since(3, orNull(string)),
})

export const heartbeatResponse = response('HeartbeatResponse', [0, 4], 4, {
  throttleTimeMs: since(1, int32),
  errorCode: int16,
})
