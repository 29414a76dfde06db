import { KafkaError } from '../protocol/errors.ts'
import { StoreError } from '../store/errors.ts'

/** Not Kafka's protocol, or not as we speak it: the connection is to be closed, as Kafka's broker does. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/**
 * What a client is told. A store's own words stay here: they may name tables and keys. `report` hears of what is nobody's fault
 * but ours.
 */
export function toKafkaError(error: unknown, report: (error: unknown) => void): KafkaError {
  if (error instanceof KafkaError) return error
  if (error instanceof StoreError) {
    const options = { cause: error }
    if (error.trouble === 'unknown-outcome') {
      return new KafkaError('REQUEST_TIMED_OUT', 'the store did not answer: the change may or may not be made', options)
    }
    if (error.retriable) return new KafkaError('KAFKA_STORAGE_ERROR', 'the store cannot be reached: try again', options)
    if (error.trouble === 'too-large') return new KafkaError('POLICY_VIOLATION', 'too large for the store', options)
  }
  report(error)
  return new KafkaError('UNKNOWN_SERVER_ERROR', 'the broker failed; its log says why', { cause: error })
}

/** Whether it tells of a store that does not answer, not of what was asked. */
export const isOfStore = ({ error }: KafkaError): boolean =>
  error === 'KAFKA_STORAGE_ERROR' || error === 'REQUEST_TIMED_OUT'
