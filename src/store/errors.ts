/** The one error that stores throw for trouble of their own. A failed condition is an answer, not an error. */

export type StoreTrouble =
  /** Refused for load; try again later. Certainly not applied. */
  | 'throttled'
  /** Could not be reached, or said no before doing anything. Certainly not applied. */
  | 'unavailable'
  /** A write that was sent and not answered, or answered with a failure that may follow the effect. */
  | 'unknown-outcome'
  /** The item or object is larger than the store takes. Certainly not applied; trying again does not help. */
  | 'too-large'
  /** The store has a format, a name or a permission that this program cannot work with. Trying again does not help. */
  | 'misconfigured'

export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly trouble: StoreTrouble

  constructor(trouble: StoreTrouble, message: string, options?: ErrorOptions) {
    super(message, options)
    this.trouble = trouble
  }

  /** Whether the same call may be sent again with a hope of success. */
  get retriable(): boolean {
    return this.trouble === 'throttled' || this.trouble === 'unavailable' || this.trouble === 'unknown-outcome'
  }
}
