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
  records,
  since,
  string,
  struct,
  tagged,
  until,
  uuid,
} from '../codec/schema.ts'

/**
 * Key 0. v3 transactional id; v5 log start offset; v8 errors of single records (KIP-467); v10 where the leader is (KIP-951);
 * v13 topics by id (KIP-516). Versions 0 to 2 are only advertised, for librdkafka's sake (KAFKA-18659).
 */
export const produceRequest = message('ProduceRequest', [3, 13], 9, {
  transactionalId: orNull(string),
  acks: int16,
  timeoutMs: int32,
  topicData: array(
    struct({
      name: ignorable(until(12, string)),
      topicId: ignorable(since(13, uuid)),
      partitionData: array(struct({ index: int32, records: nullable(records) })),
    }),
  ),
})

export const produceResponse = response('ProduceResponse', [3, 13], 9, {
  responses: array(
    struct({
      name: until(12, string),
      topicId: since(13, uuid),
      partitionResponses: array(
        struct({
          index: int32,
          errorCode: int16,
          baseOffset: int64,
          logAppendTimeMs: or(-1, int64),
          logStartOffset: since(5, or(-1, int64)),
          recordErrors: since(8, array(struct({ batchIndex: int32, batchIndexErrorMessage: orNull(string) }))),
          errorMessage: since(8, orNull(string)),
          currentLeader: tagged(0, 10, struct({ leaderId: or(-1, int32), leaderEpoch: or(-1, int32) })),
        }),
      ),
    }),
  ),
  throttleTimeMs: or(0, int32),
  nodeEndpoints: tagged(0, 10, array(struct({ nodeId: int32, host: string, port: int32, rack: orNull(string) }))),
})
