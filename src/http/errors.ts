/**
 * The one place that turns an error into a status, an `error_code` and a message: those of the Confluent REST Proxy.
 * Messages of errors that are not ours never reach a caller.
 */
import { type ErrorName, KafkaError } from '../protocol/errors.ts'
import { StoreError, type StoreTrouble } from '../store/errors.ts'
import type { HttpReply } from './request.ts'

/** Name: [HTTP status, error_code]. */
const kinds = {
  malformed: [400, 400],
  badRequest: [400, 40002],
  forbidden: [403, 40301],
  noSuchPath: [404, 404],
  topicNotFound: [404, 40401],
  partitionNotFound: [404, 40402],
  instanceNotFound: [404, 40403],
  notAcceptable: [406, 406],
  otherFormat: [406, 40601],
  instanceExists: [409, 40902],
  illegalState: [409, 40903],
  tooLarge: [413, 413],
  unsupportedType: [415, 415],
  constraint: [422, 422],
  notJson: [422, 42203],
  consumerConfig: [422, 42204],
  consumerConfigRange: [422, 40001],
  payload: [422, 42206],
  batch: [422, 42208],
  kafka: [500, 50002],
  kafkaAgain: [500, 50003],
  throttled: [503, 50003],
  unavailable: [503, 50301],
} as const satisfies Record<string, readonly [status: number, errorCode: number]>

export type HttpErrorKind = keyof typeof kinds

/** An error that HTTP itself found: its kind gives status and code. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly kind: HttpErrorKind

  constructor(kind: HttpErrorKind, message: string) {
    super(message)
    this.kind = kind
  }
}

const kafkaKinds: Partial<Record<ErrorName, HttpErrorKind>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'topicNotFound',
  UNKNOWN_TOPIC_ID: 'topicNotFound',
  INVALID_TOPIC_EXCEPTION: 'badRequest',
  TOPIC_ALREADY_EXISTS: 'badRequest',
  INVALID_PARTITIONS: 'badRequest',
  INVALID_REPLICATION_FACTOR: 'badRequest',
  INVALID_CONFIG: 'badRequest',
  POLICY_VIOLATION: 'badRequest',
  OFFSET_OUT_OF_RANGE: 'badRequest',
  // A key of idempotency used for another request; the IETF draft of Idempotency-Key asks for 422.
  INVALID_REQUEST: 'constraint',
  INVALID_TIMESTAMP: 'constraint',
  INVALID_RECORD: 'constraint',
  INVALID_GROUP_ID: 'constraint',
  OFFSET_METADATA_TOO_LARGE: 'constraint',
  MESSAGE_TOO_LARGE: 'tooLarge',
  RECORD_LIST_TOO_LARGE: 'tooLarge',
  ILLEGAL_GENERATION: 'illegalState',
  UNKNOWN_MEMBER_ID: 'illegalState',
  THROTTLING_QUOTA_EXCEEDED: 'throttled',
  KAFKA_STORAGE_ERROR: 'unavailable',
  TOPIC_AUTHORIZATION_FAILED: 'forbidden',
  GROUP_AUTHORIZATION_FAILED: 'forbidden',
  CLUSTER_AUTHORIZATION_FAILED: 'forbidden',
}

/** A store's own words may name tables and keys: these go out instead. */
const storeAnswers: Record<StoreTrouble, readonly [HttpErrorKind, string]> = {
  throttled: ['throttled', 'The store refused the call for load; nothing was changed. Try again.'],
  unavailable: ['unavailable', 'The store cannot be reached; nothing was changed. Try again.'],
  'unknown-outcome': ['kafkaAgain', 'The store did not answer in time: the change may or may not have been made.'],
  'too-large': ['tooLarge', 'The request needs more room in one place than the store gives.'],
  misconfigured: ['kafka', 'The store cannot be used as it is set up; the log of the server says why.'],
}

/** v3 of the contract has 40403 for a missing topic, v2 has 40401. */
export type Dialect = 'v2' | 'v3'

export type ErrorAnswer = { readonly status: number; readonly errorCode: number; readonly message: string }

/** What a caller is told about an error that failed the whole call. */
export function errorAnswer(error: unknown, dialect: Dialect): ErrorAnswer {
  const [kind, message] = describe(error)
  if (kind === undefined) return { status: 500, errorCode: 500, message }
  const [status, errorCode] = kinds[kind]
  return { status, errorCode: dialect === 'v3' && kind === 'topicNotFound' ? 40403 : errorCode, message }
}

function describe(error: unknown): readonly [HttpErrorKind | undefined, string] {
  if (error instanceof HttpError) return [error.kind, error.message]
  if (error instanceof KafkaError) {
    return [kafkaKinds[error.error] ?? (error.retriable ? 'kafkaAgain' : 'kafka'), error.message]
  }
  if (error instanceof StoreError) return storeAnswers[error.trouble]
  return [undefined, 'Internal Server Error']
}

export const metadataType = 'application/vnd.kafka.v2+json'

export function errorReply({ status, errorCode, message }: ErrorAnswer, dialect: Dialect): HttpReply {
  return {
    status,
    headers: {
      'content-type': dialect === 'v3' ? 'application/json' : metadataType,
      ...(status === 503 ? { 'retry-after': '1' } : {}),
    },
    body: JSON.stringify({ error_code: errorCode, message }),
  }
}

/** What stands in a produce answer beside a record that was not, or perhaps not, appended: 50003 may be sent again. */
export function recordError(error: KafkaError): { readonly error_code: 50002 | 50003; readonly error: string } {
  return { error_code: error.retriable ? 50003 : 50002, error: error.message }
}

/** Whether an append certainly did nothing because the store was down or busy: then the whole call may be answered 503. */
export const isStoreDown = (error: KafkaError): boolean =>
  error.error === 'THROTTLING_QUOTA_EXCEEDED' || error.error === 'KAFKA_STORAGE_ERROR'
