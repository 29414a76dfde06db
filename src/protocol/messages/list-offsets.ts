import { message, response } from '../codec/message.ts'
import { array, ignorable, int8, int16, int32, int64, or, since, string, struct } from '../codec/schema.ts'

/**
 * Key 2. v2 isolation level; v4 leader epoch (KIP-320); v7 the greatest timestamp (-3, KIP-734); v8 and v9 tiers (-4, -5);
 * v10 time-out.
 */
export const listOffsetsRequest = message('ListOffsetsRequest', [1, 10], 6, {
  replicaId: int32,
  isolationLevel: since(2, int8),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({ partitionIndex: int32, currentLeaderEpoch: ignorable(since(4, or(-1, int32))), timestamp: int64 }),
      ),
    }),
  ),
  timeoutMs: ignorable(since(10, int32)),
})

export const listOffsetsResponse = response('ListOffsetsResponse', [1, 10], 6, {
  throttleTimeMs: since(2, int32),
  topics: array(
    struct({
      name: string,
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          timestamp: or(-1, int64),
          offset: or(-1, int64),
          leaderEpoch: since(4, or(-1, int32)),
        }),
      ),
    }),
  ),
})
