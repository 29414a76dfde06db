import { message, response } from '../codec/message.ts'
import { array, ignorable, int16, int32, int64, or, since, string, struct } from '../codec/schema.ts'

/** Key 23. KIP-320; v3 replicas and consumers apart. */
export const offsetForLeaderEpochRequest = message('OffsetForLeaderEpochRequest', [2, 4], 4, {
  replicaId: ignorable(since(3, or(-2, int32))),
  topics: array(
    struct({
      topic: string,
      partitions: array(struct({ partition: int32, currentLeaderEpoch: or(-1, int32), leaderEpoch: int32 })),
    }),
  ),
})

export const offsetForLeaderEpochResponse = response('OffsetForLeaderEpochResponse', [2, 4], 4, {
  throttleTimeMs: or(0, int32),
  topics: array(
    struct({
      topic: string,
      partitions: array(
        struct({ errorCode: int16, partition: int32, leaderEpoch: or(-1, int32), endOffset: or(-1, int64) }),
      ),
    }),
  ),
})
