import { message, response } from '../codec/message.ts'
import { array, bool, int16, int32, nullable, or, orNull, string, struct } from '../codec/schema.ts'

/** Key 37. KIP-195. */
export const createPartitionsRequest = message('CreatePartitionsRequest', [0, 3], 2, {
  topics: array(
    struct({ name: string, count: int32, assignments: nullable(array(struct({ brokerIds: array(int32) }))) }),
  ),
  timeoutMs: int32,
  validateOnly: bool,
})

export const createPartitionsResponse = response('CreatePartitionsResponse', [0, 3], 2, {
  throttleTimeMs: or(0, int32),
  results: array(struct({ name: string, errorCode: int16, errorMessage: orNull(string) })),
})
