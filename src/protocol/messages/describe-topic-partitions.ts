import { message, response } from '../codec/message.ts'
import { array, bool, int16, int32, nullable, or, orNull, string, struct, uuid } from '../codec/schema.ts'

/** Key 75. KIP-966: metadata in pages. */
export const describeTopicPartitionsRequest = message('DescribeTopicPartitionsRequest', [0, 0], 0, {
  topics: array(struct({ name: string })),
  responsePartitionLimit: or(2000, int32),
  cursor: orNull(struct({ topicName: string, partitionIndex: int32 })),
})

export const describeTopicPartitionsResponse = response('DescribeTopicPartitionsResponse', [0, 0], 0, {
  throttleTimeMs: or(0, int32),
  topics: array(
    struct({
      errorCode: int16,
      name: nullable(string),
      topicId: uuid,
      isInternal: or(false, bool),
      partitions: array(
        struct({
          errorCode: int16,
          partitionIndex: int32,
          leaderId: int32,
          leaderEpoch: or(-1, int32),
          replicaNodes: array(int32),
          isrNodes: array(int32),
          eligibleLeaderReplicas: orNull(array(int32)),
          lastKnownElr: orNull(array(int32)),
          offlineReplicas: array(int32),
        }),
      ),
      topicAuthorizedOperations: or(-2147483648, int32),
    }),
  ),
  nextCursor: orNull(struct({ topicName: string, partitionIndex: int32 })),
})
