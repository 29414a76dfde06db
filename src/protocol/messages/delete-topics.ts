import { message, response } from '../codec/message.ts'
import {
  array,
  ignorable,
  int16,
  int32,
  nullableSince,
  or,
  orNull,
  since,
  string,
  struct,
  until,
  uuid,
} from '../codec/schema.ts'

/** Key 20. v5 error messages; v6 topics by id (KIP-516). */
export const deleteTopicsRequest = message('DeleteTopicsRequest', [1, 6], 4, {
  topics: since(6, array(struct({ name: orNull(string), topicId: uuid }))),
  topicNames: ignorable(until(5, array(string))),
  timeoutMs: int32,
})

export const deleteTopicsResponse = response('DeleteTopicsResponse', [1, 6], 4, {
  throttleTimeMs: or(0, int32),
  responses: array(
    struct({
      name: nullableSince(6, string),
      topicId: since(6, uuid),
      errorCode: int16,
      errorMessage: since(5, orNull(string)),
    }),
  ),
})
