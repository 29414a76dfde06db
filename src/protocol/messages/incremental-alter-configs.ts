import { message, response } from '../codec/message.ts'
import { array, bool, int8, int16, int32, nullable, or, string, struct } from '../codec/schema.ts'

/** Key 44. KIP-339. */
export const incrementalAlterConfigsRequest = message('IncrementalAlterConfigsRequest', [0, 1], 1, {
  resources: array(
    struct({
      resourceType: int8,
      resourceName: string,
      configs: array(struct({ name: string, configOperation: int8, value: nullable(string) })),
    }),
  ),
  validateOnly: bool,
})

export const incrementalAlterConfigsResponse = response('IncrementalAlterConfigsResponse', [0, 1], 1, {
  throttleTimeMs: or(0, int32),
  responses: array(
    struct({ errorCode: int16, errorMessage: nullable(string), resourceType: int8, resourceName: string }),
  ),
})
