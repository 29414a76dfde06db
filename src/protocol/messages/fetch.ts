import { message, response } from '../codec/message.ts'
import {
  array,
  ignorable,
  int8,
  int16,
  int32,
  int64,
  maxInt64,
  nullable,
  or,
  orNull,
  records,
  since,
  string,
  struct,
  tagged,
  until,
  uuid,
} from '../codec/schema.ts'

/**
 * Key 1. v5 log start offset; v7 sessions (KIP-227); v9 leader epoch (KIP-320); v11 rack (KIP-392); v12 divergence; v13
 * topics by id (KIP-516); v15 replica state; v16 where the leader is (KIP-951); v17 and v18 concern replicas.
 */
export const fetchRequest = message('FetchRequest', [4, 18], 12, {
  clusterId: ignorable(tagged(0, 12, orNull(string))),
  replicaId: until(14, or(-1, int32)),
  replicaState: tagged(1, 15, struct({ replicaId: or(-1, int32), replicaEpoch: or(-1, int64) })),
  maxWaitMs: int32,
  minBytes: int32,
  maxBytes: or(2147483647, int32),
  isolationLevel: or(0, int8),
  sessionId: ignorable(since(7, int32)),
  sessionEpoch: ignorable(since(7, or(-1, int32))),
  topics: array(
    struct({
      topic: ignorable(until(12, string)),
      topicId: ignorable(since(13, uuid)),
      partitions: array(
        struct({
          partition: int32,
          currentLeaderEpoch: ignorable(since(9, or(-1, int32))),
          fetchOffset: int64,
          lastFetchedEpoch: since(12, or(-1, int32)),
          logStartOffset: ignorable(since(5, or(-1, int64))),
          partitionMaxBytes: int32,
          replicaDirectoryId: ignorable(tagged(0, 17, uuid)),
          highWatermark: ignorable(tagged(1, 18, or(maxInt64, int64))),
        }),
      ),
    }),
  ),
  forgottenTopicsData: since(
    7,
    array(
      struct({ topic: ignorable(until(12, string)), topicId: ignorable(since(13, uuid)), partitions: array(int32) }),
    ),
  ),
  rackId: ignorable(since(11, string)),
})

export const fetchResponse = response('FetchResponse', [4, 18], 12, {
  throttleTimeMs: or(0, int32),
  errorCode: since(7, int16),
  sessionId: since(7, int32),
  responses: array(
    struct({
      topic: until(12, string),
      topicId: since(13, uuid),
      partitions: array(
        struct({
          partitionIndex: int32,
          errorCode: int16,
          highWatermark: int64,
          lastStableOffset: or(-1, int64),
          logStartOffset: since(5, or(-1, int64)),
          divergingEpoch: tagged(0, 12, struct({ epoch: or(-1, int32), endOffset: or(-1, int64) })),
          currentLeader: tagged(1, 12, struct({ leaderId: or(-1, int32), leaderEpoch: or(-1, int32) })),
          snapshotId: tagged(2, 12, struct({ endOffset: or(-1, int64), epoch: or(-1, int32) })),
          abortedTransactions: nullable(array(struct({ producerId: int64, firstOffset: int64 }))),
          preferredReadReplica: since(11, or(-1, int32)),
          records: nullable(records),
        }),
      ),
    }),
  ),
  nodeEndpoints: tagged(0, 16, array(struct({ nodeId: int32, host: string, port: int32, rack: orNull(string) }))),
})
