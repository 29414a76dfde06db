import { message, response } from '../codec/message.ts'
import { array, int16, int32, int64, or, orNull, string, struct } from '../codec/schema.ts'

/** Key 61. KIP-664. */
export const describeProducersRequest = message('DescribeProducersRequest', [0, 0], 0, {
  topics: array(struct({ name: string, partitionIndexes: array(int32) })),
})

export const describeProducersResponse = response('DescribeProducersResponse', [0, 0], 0, {
  throttleTimeMs: or(0, int32),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          errorMessage: orNull(string),
          activeProducers: array(
            struct({
              producerId: int64,
              producerEpoch: int32,
              lastSequence: or(-1, int32),
              lastTimestamp: or(-1, int64),
              coordinatorEpoch: int32,
              currentTxnStartOffset: or(-1, int64),
            }),
          ),
        }),
      ),
    }),
  ),
})
