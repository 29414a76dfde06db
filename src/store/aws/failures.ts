/**
 * What an error of the SDK says about the call: certainly not applied, and why, or of unknown outcome.
 * Error names: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html and
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
 *
 * A write counts as not applied only where a service said so in a well-formed 4xx, or where no connection was made. Everything
 * else (time-outs, resets, 5xx, answers that cannot be read) may have followed the effect.
 */
import { StoreError, type StoreTrouble } from '../errors.ts'

const throttling = new Set([
  'ThrottlingException',
  'Throttling',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'LimitExceededException',
  'TransactionConflictException',
  'ReplicatedWriteConflictException',
  // S3
  'SlowDown',
  'OperationAborted',
  'ConditionalRequestConflict',
])

const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

/** Names of a clock that is off: the SDK corrects its own from the answer, so the next call may pass. */
const clockSkew = new Set(['RequestTimeTooSkewed', 'RequestInTheFuture', 'RequestExpired'])

export type Failure = {
  readonly name: string
  readonly message: string
  /** A system error (`ECONNREFUSED`), where there is one. */
  readonly code: string | undefined
  /** Of the answer, where there was one. */
  readonly status: number | undefined
  /** How often the SDK sent the request. */
  readonly attempts: number
  /** The service itself said that the request was at fault. */
  readonly refused: boolean
}

const field = (value: unknown, name: string): unknown =>
  // Reading a property by name is safe on any object; what comes back stays unknown.
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined

/** Reads an error of the SDK by its documented fields; importing its classes would load the client. */
export function failureOf(error: unknown): Failure {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const metadata = field(error, '$metadata')
  const status = field(metadata, 'httpStatusCode')
  const attempts = field(metadata, 'attempts')
  const known = typeof status === 'number' ? status : undefined
  return {
    name: text(field(error, 'name')) ?? 'Error',
    message: text(field(error, 'message')) ?? String(error),
    code: text(field(error, 'code')),
    status: known,
    attempts: typeof attempts === 'number' ? attempts : 1,
    refused: field(error, '$fault') === 'client' && known !== undefined && known >= 400 && known < 500 && known !== 408,
  }
}

const noConnection = ({ name, message, code }: Failure) =>
  (code !== undefined && neverSent.has(code)) ||
  // The SDK gives its connection time-out no code of its own.
  (name === 'TimeoutError' && message.includes('did not establish a connection'))

/** `undefined`: the caller's own mistake (a malformed request), which no store trouble describes. */
export function troubleOf(failure: Failure, kind: 'read' | 'write'): StoreTrouble | undefined {
  const { name, message, refused } = failure
  if (throttling.has(name)) return 'throttled'
  if (noConnection(failure)) return 'unavailable'
  if (name === 'CredentialsProviderError') return 'misconfigured'
  // Ours is in progress: nothing was decided yet.
  if (!refused || name === 'TransactionInProgressException') return kind === 'write' ? 'unknown-outcome' : 'unavailable'
  if (clockSkew.has(name)) return 'unavailable'
  if (/item size|EntityTooLarge/i.test(`${name} ${message}`)) return 'too-large'
  if (name === 'ValidationException' || name === 'SerializationException') return undefined
  return 'misconfigured'
}

/** The error to throw for a failed call. */
export function storeError(error: unknown, kind: 'read' | 'write', what: string): Error {
  if (error instanceof StoreError) return error
  const failure = failureOf(error)
  const trouble = troubleOf(failure, kind)
  const name = failure.name === 'Error' ? '' : `${failure.name}: `
  const text = `${what}: ${name}${failure.message}`
  return trouble ? new StoreError(trouble, text, { cause: error }) : new Error(text, { cause: error })
}

/** How a failed call is told to the meter. */
export function outcomeOf(error: Error): 'throttled' | 'unknown' | 'failed' {
  if (!(error instanceof StoreError)) return 'failed'
  if (error.trouble === 'throttled') return 'throttled'
  return error.trouble === 'unknown-outcome' ? 'unknown' : 'failed'
}
