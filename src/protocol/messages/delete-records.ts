import { message, response } from '../codec/message.ts'
import { array, int16, int32, int64, or, string, struct } from '../codec/schema.ts'

/** Key 21. KIP-107. */
export const deleteRecordsRequest = message('DeleteRecordsRequest', [0, 2], 2, {
  topics: array(struct({ name: string, partitions: array(struct({ partitionIndex: int32, offset: int64 })) })),
  timeoutMs: int32,
})

export const deleteRecordsResponse = response('DeleteRecordsResponse', [0, 2], 2, {
  throttleTimeMs: or(0, int32),
  topics: array(
    struct({
      name: string,
      partitions: array(struct({ partitionIndex: int32, lowWatermark: int64, errorCode: int16 })),
    }),
  ),
})
