import { message, response } from '../codec/message.ts'
import {
  array,
  bool,
  ignorable,
  int16,
  int32,
  nullableSince,
  or,
  orNull,
  since,
  string,
  struct,
  uuid,
  versions,
} from '../codec/schema.ts'

/**
 * Key 3. v0 asks for all topics by an empty list, later ones by null; v4 auto-creation; v8 authorized operations; v10 topic
 * ids; v12 topics by id (KIP-516); v13 an error for the whole.
 */
export const metadataRequest = message('MetadataRequest', [0, 13], 9, {
  topics: nullableSince(1, array(struct({ topicId: ignorable(since(10, uuid)), name: nullableSince(10, string) }))),
  allowAutoTopicCreation: since(4, or(true, bool)),
  includeClusterAuthorizedOperations: versions(8, 10, bool),
  includeTopicAuthorizedOperations: since(8, bool),
})

export const metadataResponse = response('MetadataResponse', [0, 13], 9, {
  throttleTimeMs: since(3, int32),
  brokers: array(struct({ nodeId: int32, host: string, port: int32, rack: since(1, orNull(string)) })),
  clusterId: since(2, orNull(string)),
  controllerId: since(1, or(-1, int32)),
  topics: array(
    struct({
      errorCode: int16,
      name: nullableSince(12, string),
      topicId: since(10, uuid),
      isInternal: since(1, bool),
      partitions: array(
        struct({
          errorCode: int16,
          partitionIndex: int32,
          leaderId: int32,
          leaderEpoch: since(7, or(-1, int32)),
          replicaNodes: array(int32),
          isrNodes: array(int32),
          offlineReplicas: since(5, array(int32)),
        }),
      ),
      topicAuthorizedOperations: since(8, or(-2147483648, int32)),
    }),
  ),
  clusterAuthorizedOperations: versions(8, 10, or(-2147483648, int32)),
  errorCode: since(13, int16),
})
