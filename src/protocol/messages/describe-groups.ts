import { message, response } from '../codec/message.ts'
import { array, bool, bytes, int16, int32, or, orNull, since, string, struct } from '../codec/schema.ts'

/** Key 15. v3 authorized operations; v4 static members (KIP-345); v6 GROUP_ID_NOT_FOUND (KIP-1043). */
export const describeGroupsRequest = message('DescribeGroupsRequest', [0, 6], 5, {
  groups: array(string),
  includeAuthorizedOperations: since(3, bool),
})

export const describeGroupsResponse = response('DescribeGroupsResponse', [0, 6], 5, {
  throttleTimeMs: since(1, int32),
  groups: array(
    struct({
      errorCode: int16,
      errorMessage: since(6, orNull(string)),
      groupId: string,
      groupState: string,
      protocolType: string,
      protocolData: string,
      members: array(
        struct({
          memberId: string,
          groupInstanceId: since(4, orNull(string)),
          clientId: string,
          clientHost: string,
          memberMetadata: bytes,
          memberAssignment: bytes,
        }),
      ),
      authorizedOperations: since(3, or(-2147483648, int32)),
    }),
  ),
})
