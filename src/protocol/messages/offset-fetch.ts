import { message, response } from '../codec/message.ts'
import {
  array,
  bool,
  ignorable,
  int16,
  int32,
  int64,
  nullable,
  nullableSince,
  or,
  orNull,
  since,
  string,
  struct,
  until,
  uuid,
  versions,
} from '../codec/schema.ts'

/**
 * Key 9. v2 all topics (null); v5 leader epoch; v7 stable offsets only; v8 several groups (KIP-709); v9 member epochs
 * (KIP-848); v10 topics by id, unstable in Kafka 4.1.
 */
export const offsetFetchRequest = message('OffsetFetchRequest', [1, 10], 6, {
  groupId: until(7, string),
  topics: until(7, nullableSince(2, array(struct({ name: string, partitionIndexes: array(int32) })))),
  groups: since(
    8,
    array(
      struct({
        groupId: string,
        memberId: ignorable(since(9, orNull(string))),
        memberEpoch: ignorable(since(9, or(-1, int32))),
        topics: nullable(
          array(
            struct({
              name: ignorable(until(9, string)),
              topicId: ignorable(since(10, uuid)),
              partitionIndexes: array(int32),
            }),
          ),
        ),
      }),
    ),
  ),
  requireStable: since(7, bool),
})

export const offsetFetchResponse = response('OffsetFetchResponse', [1, 10], 6, {
  throttleTimeMs: since(3, int32),
  topics: until(
    7,
    array(
      struct({
        name: string,
        partitions: array(
          struct({
            partitionIndex: int32,
            committedOffset: int64,
            committedLeaderEpoch: since(5, or(-1, int32)),
            metadata: nullable(string),
            errorCode: int16,
          }),
        ),
      }),
    ),
  ),
  errorCode: versions(2, 7, int16),
  groups: since(
    8,
    array(
      struct({
        groupId: string,
        topics: array(
          struct({
            name: until(9, string),
            topicId: since(10, uuid),
            partitions: array(
              struct({
                partitionIndex: int32,
                committedOffset: int64,
                committedLeaderEpoch: or(-1, int32),
                metadata: nullable(string),
                errorCode: int16,
              }),
            ),
          }),
        ),
        errorCode: or(0, int16),
      }),
    ),
  ),
})
