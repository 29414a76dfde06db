import { message, response } from '../codec/message.ts'
import { array, bool, int8, int16, int32, nullable, or, since, string, struct, tagged, uuid } from '../codec/schema.ts'

/** Key 19. v4 defaults for partitions and replicas (-1, KIP-464); v5 tells the configs (KIP-525); v7 the topic's id. */
export const createTopicsRequest = message('CreateTopicsRequest', [2, 7], 5, {
  topics: array(
    struct({
      name: string,
      numPartitions: int32,
      replicationFactor: int16,
      assignments: array(struct({ partitionIndex: int32, brokerIds: array(int32) })),
      configs: array(struct({ name: string, value: nullable(string) })),
    }),
  ),
  timeoutMs: or(60000, int32),
  validateOnly: or(false, bool),
})

export const createTopicsResponse = response('CreateTopicsResponse', [2, 7], 5, {
  throttleTimeMs: or(0, int32),
  topics: array(
    struct({
      name: string,
      topicId: since(7, uuid),
      errorCode: int16,
      errorMessage: nullable(string),
      topicConfigErrorCode: tagged(0, 5, int16),
      numPartitions: since(5, or(-1, int32)),
      replicationFactor: since(5, or(-1, int16)),
      configs: since(
        5,
        nullable(
          array(
            struct({
              name: string,
              value: nullable(string),
              readOnly: bool,
              configSource: or(-1, int8),
              isSensitive: bool,
            }),
          ),
        ),
      ),
    }),
  ),
})
