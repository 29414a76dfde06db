import { message, response } from '../codec/message.ts'
import { array, int8, int16, int32, nullable, since, string, struct, until, versions } from '../codec/schema.ts'

/** Key 10. v1 key type (0 group, 1 transaction, 2 share); v4 several keys (KIP-699). */
export const findCoordinatorRequest = message('FindCoordinatorRequest', [0, 6], 3, {
  key: until(3, string),
  keyType: since(1, int8),
  coordinatorKeys: since(4, array(string)),
})

export const findCoordinatorResponse = response('FindCoordinatorResponse', [0, 6], 3, {
  throttleTimeMs: since(1, int32),
  errorCode: until(3, int16),
  errorMessage: versions(1, 3, nullable(string)),
  nodeId: until(3, int32),
  host: until(3, string),
  port: until(3, int32),
  coordinators: since(
    4,
    array(
      struct({
        key: string,
        nodeId: int32,
        host: string,
        port: int32,
        errorCode: int16,
        errorMessage: nullable(string),
      }),
    ),
  ),
})
