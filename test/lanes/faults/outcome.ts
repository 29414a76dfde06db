/** What a client knows after a call that failed, by the error alone. */
import { KafkaError } from '../../../src/protocol/errors.ts'
import { StoreError } from '../../../src/store/errors.ts'

/** Rethrows what is neither an answer of the log nor trouble of a store: a bug. */
export function knownOf(error: unknown): { readonly known: 'failed' | 'unknown'; readonly error: string } {
  if (error instanceof KafkaError && error.retriable) {
    return { known: error.error === 'REQUEST_TIMED_OUT' ? 'unknown' : 'failed', error: error.error }
  }
  if (error instanceof StoreError && error.retriable) {
    return { known: error.trouble === 'unknown-outcome' ? 'unknown' : 'failed', error: error.trouble }
  }
  throw error
}
