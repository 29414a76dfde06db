import { message, response } from '../codec/message.ts'
import { array, bytes, ignorable, int16, int32, orNull, since, string, struct } from '../codec/schema.ts'

/** Key 14. v3 static members (KIP-345); v5 protocol type and name (KIP-559). */
export const syncGroupRequest = message('SyncGroupRequest', [0, 5], 4, {
  groupId: string,
  generationId: int32,
  memberId: string,
  groupInstanceId: since(3, orNull(string)),
  protocolType: ignorable(since(5, orNull(string))),
  protocolName: ignorable(since(5, orNull(string))),
  assignments: array(struct({ memberId: string, assignment: bytes })),
})

export const syncGroupResponse = response('SyncGroupResponse', [0, 5], 4, {
  throttleTimeMs: since(1, int32),
  errorCode: int16,
  protocolType: since(5, orNull(string)),
  protocolName: since(5, orNull(string)),
  assignment: bytes,
})
