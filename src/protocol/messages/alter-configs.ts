import { message, response } from '../codec/message.ts'
import { array, bool, int8, int16, int32, nullable, or, string, struct } from '../codec/schema.ts'

/** Key 33. KIP-133. It replaces all configs of a resource. */
export const alterConfigsRequest = message('AlterConfigsRequest', [0, 2], 2, {
  resources: array(
    struct({
      resourceType: int8,
      resourceName: string,
      configs: array(struct({ name: string, value: nullable(string) })),
    }),
  ),
  validateOnly: bool,
})

export const alterConfigsResponse = response('AlterConfigsResponse', [0, 2], 2, {
  throttleTimeMs: or(0, int32),
  responses: array(
    struct({ errorCode: int16, errorMessage: nullable(string), resourceType: int8, resourceName: string }),
  ),
})
