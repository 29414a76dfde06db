import { message, response } from '../codec/message.ts'
import { array, int16, int32, or, string, struct } from '../codec/schema.ts'

/** Key 42. */
export const deleteGroupsRequest = message('DeleteGroupsRequest', [0, 2], 2, {
  groupsNames: array(string),
})

export const deleteGroupsResponse = response('DeleteGroupsResponse', [0, 2], 2, {
  throttleTimeMs: or(0, int32),
  results: array(struct({ groupId: string, errorCode: int16 })),
})
