import { message, response } from '../codec/message.ts'
import { array, int16, int32, since, string, struct } from '../codec/schema.ts'

/** Key 16. v4 by state (KIP-518); v5 by type (KIP-848). */
export const listGroupsRequest = message('ListGroupsRequest', [0, 5], 3, {
  statesFilter: since(4, array(string)),
  typesFilter: since(5, array(string)),
})

export const listGroupsResponse = response('ListGroupsResponse', [0, 5], 3, {
  throttleTimeMs: since(1, int32),
  errorCode: int16,
  groups: array(
    struct({ groupId: string, protocolType: string, groupState: since(4, string), groupType: since(5, string) }),
  ),
})
