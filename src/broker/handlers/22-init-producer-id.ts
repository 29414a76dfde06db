/**
 * Key 22, InitProducerId v0–5: a fresh id with epoch 0 for an idempotent producer, whatever it brings from before, as Kafka
 * does. There are no transactions yet: whoever names one gets the error that all clients take as final.
 */
import { KafkaError } from '../../protocol/errors.ts'
import type { ApiHandler } from '../handler.ts'

export const initProducerId: ApiHandler<'initProducerId'> = {
  async handle({ producerIds }, _caller, { transactionalId }) {
    if (transactionalId === '') throw new KafkaError('INVALID_REQUEST', 'a transactional id cannot be empty')
    if (transactionalId !== null) {
      throw new KafkaError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'transactions are not supported yet')
    }
    return { errorCode: 0, producerId: await producerIds.next(), producerEpoch: 0 }
  },
  failed: (_request, error) => ({
    // Clients try this one again.
    errorCode: (error.error === 'KAFKA_STORAGE_ERROR' ? unavailable : error).code,
    producerEpoch: -1,
  }),
}

const unavailable = new KafkaError('COORDINATOR_NOT_AVAILABLE', 'the store cannot be reached: try again')
