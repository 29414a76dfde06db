import { message, response } from '../codec/message.ts'
import { array, ignorable, int16, int32, nullable, orNull, since, string, struct, until } from '../codec/schema.ts'

/** Key 13. v3 several members, static ones too (KIP-345); v5 reason (KIP-800). */
export const leaveGroupRequest = message('LeaveGroupRequest', [0, 5], 4, {
  groupId: string,
  memberId: until(2, string),
  members: since(
    3,
    array(struct({ memberId: string, groupInstanceId: orNull(string), reason: ignorable(since(5, orNull(string))) })),
  ),
})

export const leaveGroupResponse = response('LeaveGroupResponse', [0, 5], 4, {
  throttleTimeMs: since(1, int32),
  errorCode: int16,
  members: since(3, array(struct({ memberId: string, groupInstanceId: nullable(string), errorCode: int16 }))),
})
