import { message, response } from '../codec/message.ts'
import {
  array,
  bool,
  bytes,
  ignorable,
  int16,
  int32,
  nullableSince,
  or,
  orNull,
  since,
  string,
  struct,
} from '../codec/schema.ts'

/**
 * Key 11. v1 rebalance time-out; v4 MEMBER_ID_REQUIRED (KIP-394); v5 static members (KIP-345); v7 protocol type (KIP-559);
 * v8 reason (KIP-800); v9 skips the assignment (KIP-814).
 */
export const joinGroupRequest = message('JoinGroupRequest', [0, 9], 6, {
  groupId: string,
  sessionTimeoutMs: int32,
  rebalanceTimeoutMs: ignorable(since(1, or(-1, int32))),
  memberId: string,
  groupInstanceId: since(5, orNull(string)),
  protocolType: string,
  protocols: array(struct({ name: string, metadata: bytes })),
  reason: ignorable(since(8, orNull(string))),
})

export const joinGroupResponse = response('JoinGroupResponse', [0, 9], 6, {
  throttleTimeMs: since(2, int32),
  errorCode: int16,
  generationId: or(-1, int32),
  protocolType: since(7, orNull(string)),
  protocolName: nullableSince(7, string),
  leader: string,
  skipAssignment: since(9, bool),
  memberId: string,
  members: array(struct({ memberId: string, groupInstanceId: since(5, orNull(string)), metadata: bytes })),
})
