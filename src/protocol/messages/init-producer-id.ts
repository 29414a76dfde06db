import { message, response } from '../codec/message.ts'
import { bool, int16, int32, int64, nullable, or, since, string } from '../codec/schema.ts'

/** Key 22. v3 keeps a producer's id and epoch (KIP-360); v6 two-phase commit (KIP-939), unstable in Kafka 4.1. */
export const initProducerIdRequest = message('InitProducerIdRequest', [0, 6], 2, {
  transactionalId: nullable(string),
  transactionTimeoutMs: int32,
  producerId: since(3, or(-1, int64)),
  producerEpoch: since(3, or(-1, int16)),
  enable2Pc: since(6, bool),
  keepPreparedTxn: since(6, bool),
})

export const initProducerIdResponse = response('InitProducerIdResponse', [0, 6], 2, {
  throttleTimeMs: or(0, int32),
  errorCode: int16,
  producerId: or(-1, int64),
  producerEpoch: int16,
  ongoingTxnProducerId: since(6, or(-1, int64)),
  ongoingTxnProducerEpoch: since(6, or(-1, int16)),
})
