import { message, neverFlexible, response } from '../codec/message.ts'
import { array, int16, int32, or, string, struct } from '../codec/schema.ts'

/** Key 47. KIP-496. */
export const offsetDeleteRequest = message('OffsetDeleteRequest', [0, 0], neverFlexible, {
  groupId: string,
  topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32 })) })),
})

export const offsetDeleteResponse = response('OffsetDeleteResponse', [0, 0], neverFlexible, {
  errorCode: int16,
  throttleTimeMs: or(0, int32),
  topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, errorCode: int16 })) })),
})
