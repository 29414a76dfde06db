/**
 * What API Gateway and Lambda refuse, refused here as well, so that what runs on one machine also runs deployed. The last
 * four are ours: no single machine has the cloud's room.
 */
export type PlatformLimits = {
  /** The event, as JSON (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). */
  readonly eventBytesMax: number
  /** The handler's result, as JSON. */
  readonly resultBytesMax: number
  /** An HTTP API's integration time-out, not to be raised. */
  readonly handlerTimeoutMs: number
  /** Request line and headers (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html). */
  readonly headerBytesMax: number
  readonly connectionsMax: number
  /** Requests being answered at once; one more gets 429. */
  readonly inFlightMax: number
  /** Bytes of all request bodies held at once; more get 429. */
  readonly heldBodyBytesMax: number
  /** A client must have sent its whole request by then. */
  readonly requestTimeoutMs: number
}

export const platformLimits: PlatformLimits = {
  eventBytesMax: 6 * 1024 * 1024,
  resultBytesMax: 6_291_556,
  handlerTimeoutMs: 30_000,
  headerBytesMax: 10_240,
  connectionsMax: 2_000,
  inFlightMax: 1_000,
  heldBodyBytesMax: 256 * 1024 * 1024,
  requestTimeoutMs: 30_000,
}
