import { message, response } from '../codec/message.ts'
import { array, bool, int8, int16, int32, or, orNull, since, string, struct } from '../codec/schema.ts'

/** Key 60. KIP-700; v1 brokers or controllers (KIP-919); v2 fenced brokers. */
export const describeClusterRequest = message('DescribeClusterRequest', [0, 2], 0, {
  includeClusterAuthorizedOperations: bool,
  endpointType: since(1, or(1, int8)),
  includeFencedBrokers: since(2, bool),
})

export const describeClusterResponse = response('DescribeClusterResponse', [0, 2], 0, {
  throttleTimeMs: or(0, int32),
  errorCode: int16,
  errorMessage: orNull(string),
  endpointType: since(1, or(1, int8)),
  clusterId: string,
  controllerId: or(-1, int32),
  brokers: array(
    struct({ brokerId: int32, host: string, port: int32, rack: orNull(string), isFenced: since(2, bool) }),
  ),
  clusterAuthorizedOperations: or(-2147483648, int32),
})
