/** One call to a store: with a real deadline, told to the meter, its failure told as a `StoreError`. */
import type { Meter, StoreUse } from '../meter.ts'
import { outcomeOf, storeError } from './failures.ts'

export type Asking = Pick<StoreUse, 'store' | 'call'> & {
  readonly meter: Meter
  readonly kind: 'read' | 'write'
  /** For the whole call, the body of the answer included. */
  readonly deadlineMs: number
}

export type Answered = Pick<StoreUse, 'readUnits' | 'writeUnits' | 'bytes'> & { readonly outcome?: StoreUse['outcome'] }

/** `run` must pass the signal on to the SDK: it is what ends a call that hangs. */
export async function ask<T>(
  { meter, store, call, kind, deadlineMs }: Asking,
  run: (signal: AbortSignal) => Promise<Answered & { readonly answer: T }>,
): Promise<T> {
  try {
    const { answer, outcome = 'ok', readUnits, writeUnits, bytes } = await run(AbortSignal.timeout(deadlineMs))
    meter({ store, call, readUnits, writeUnits, bytes, outcome })
    return answer
  } catch (error) {
    const failure = storeError(error, kind, call)
    meter({ store, call, readUnits: 0, writeUnits: 0, bytes: 0, outcome: outcomeOf(failure) })
    throw failure
  }
}
