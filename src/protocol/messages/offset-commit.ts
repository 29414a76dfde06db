import { message, response } from '../codec/message.ts'
import {
  array,
  ignorable,
  int16,
  int32,
  int64,
  nullable,
  or,
  orNull,
  since,
  string,
  struct,
  until,
  uuid,
} from '../codec/schema.ts'

/** Key 8. v6 leader epoch; v7 static members (KIP-345); v9 member epochs (KIP-848); v10 topics by id, unstable in Kafka 4.1. */
export const offsetCommitRequest = message('OffsetCommitRequest', [2, 10], 8, {
  groupId: string,
  generationIdOrMemberEpoch: or(-1, int32),
  memberId: string,
  groupInstanceId: since(7, orNull(string)),
  retentionTimeMs: ignorable(until(4, or(-1, int64))),
  topics: array(
    struct({
      name: ignorable(until(9, string)),
      topicId: ignorable(since(10, uuid)),
      partitions: array(
        struct({
          partitionIndex: int32,
          committedOffset: int64,
          committedLeaderEpoch: ignorable(since(6, or(-1, int32))),
          committedMetadata: nullable(string),
        }),
      ),
    }),
  ),
})

export const offsetCommitResponse = response('OffsetCommitResponse', [2, 10], 8, {
  throttleTimeMs: since(3, int32),
  topics: array(
    struct({
      name: until(9, string),
      topicId: since(10, uuid),
      partitions: array(struct({ partitionIndex: int32, errorCode: int16 })),
    }),
  ),
})
