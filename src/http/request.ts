import type { RequestFields } from '../observability/request.ts'
import type { Core } from '../runtime/core.ts'
import type { Access } from './access.ts'

/** What a server that holds the caller's connection knows of it; behind API Gateway nobody does. */
export type Caller = {
  /** Aborts when the caller has hung up. */
  readonly gone: AbortSignal
  /** To be done where the answer cannot be delivered. */
  ifUndelivered(undo: () => Promise<void>): void
}

/** One HTTP call, free of whatever brought it here. */
export type HttpRequest = {
  /** The route's key, as in functions/routes.ts: `POST /topics/{topic}`. */
  readonly route: string
  /** The values of the route's parameters, percent-decoded once. */
  readonly params: Readonly<Record<string, string>>
  /** Decoded; values of a name given more than once stand comma separated. */
  readonly query: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Who calls: an IAM role or user, or `anonymous`. */
  readonly principal: string
  /** What the caller may touch of what the URL does not name. */
  readonly access: Access
  /** Scheme, host and path prefix under which the caller reached us, without a slash at the end. */
  readonly origin: string
  readonly caller?: Caller
}

export type HttpReply = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes travel as base64. */
  readonly body?: string | Uint8Array
  /** The contract's code of a failure inside a reply that is no error as a whole; for the request log. */
  readonly partialErrorCode?: number
  /** What failed inside such a reply, and other fields of the log's line. */
  readonly error?: unknown
  readonly noted?: RequestFields
}

export type RouteHandler = (core: Core, request: HttpRequest) => Promise<HttpReply>

/** Handlers by route key. Each functions/*.ts says with `satisfies` that its own are complete. */
export type RouteHandlers = Readonly<Record<string, RouteHandler>>

/** A path parameter; the route it belongs to names it, so its absence is a mistake of ours. */
export function param(request: HttpRequest, name: string): string {
  const value = request.params[name]
  if (value === undefined) throw new TypeError(`the route ${request.route} has no parameter ${name}`)
  return value
}
