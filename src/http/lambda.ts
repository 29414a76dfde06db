import { type Observation, observeRequest } from '../observability/request.ts'
import type { Core } from '../runtime/core.ts'
import { openOnce } from '../runtime/open-once.ts'
import { systemClock } from '../runtime/system.ts'
import { accessOf } from './access.ts'
import { type Dialect, errorAnswer, errorReply, HttpError } from './errors.ts'
import { callerOf, type GatewayEvent, requestOf } from './event.ts'
import type { Caller, HttpReply, HttpRequest, RouteHandlers } from './request.ts'
import { wired } from './wired.ts'

/** What Lambda gives back to an HTTP API: its structured result of payload format 2.0. */
export type GatewayResult = {
  readonly statusCode: number
  readonly headers: Record<string, string>
  readonly body: string
  readonly isBase64Encoded: boolean
}

/** What is told beside the event. Lambda's own context has no `caller`; a server that holds the connection does. */
export type HandlerContext = { readonly caller?: Caller }

export type LambdaHandler = (event: GatewayEvent, context?: HandlerContext) => Promise<GatewayResult>

/**
 * A Lambda function behind an HTTP API. `openCore` is called once a process, at the first request; where it fails, the next
 * request calls it again. Nothing is thrown: every error becomes an answer.
 */
export function lambdaHandler(api: string, routes: RouteHandlers, openCore: () => Promise<Core>): LambdaHandler {
  const open = openOnce(openCore)
  return async (event, context) => {
    const observation = observeRequest({
      api,
      requestId: event.requestContext.requestId,
      clock: systemClock,
      principal: callerOf(event),
    })
    const dialect: Dialect = event.routeKey.includes(' /v3/') ? 'v3' : 'v2'
    try {
      const request = { ...requestOf(event), ...(context?.caller ? { caller: context.caller } : {}) }
      note(observation, request)
      const reply = await call(routes, await open(), request, callerOf(event), observation)
      return finish(observation, reply)
    } catch (error) {
      const answer = errorAnswer(error, dialect)
      return finish(observation, errorReply(answer, dialect), { errorCode: answer.errorCode, error })
    }
  }
}

async function call(
  routes: RouteHandlers,
  core: Core,
  request: Omit<HttpRequest, 'access'>,
  caller: string,
  observation: Observation,
): Promise<HttpReply> {
  const handler = routes[request.route]
  if (!handler) throw new HttpError('noSuchPath', 'HTTP 404 Not Found')
  const { meter } = observation
  const metered = { ...core, items: core.items.metered(meter), objects: core.objects.metered(meter) }
  return handler(metered, { ...request, access: accessOf(metered, caller) })
}

function note(observation: Observation, { params, body }: Pick<HttpRequest, 'params' | 'body'>): void {
  const partition = Number(params.partition)
  observation.note({
    requestBytes: body.length,
    ...(params.topic === undefined ? {} : { topic: params.topic }),
    ...(Number.isSafeInteger(partition) ? { partition } : {}),
    ...(params.group === undefined ? {} : { group: params.group }),
  })
}

function finish(
  observation: Observation,
  reply: HttpReply,
  failure?: { errorCode: number; error: unknown },
): GatewayResult {
  const body = reply.body ?? ''
  const responseBytes = Buffer.byteLength(body)
  observation.note({ responseBytes, ...reply.noted })
  const { status, partialErrorCode, error } = reply
  observation.finish({
    status,
    ...(partialErrorCode === undefined ? {} : { errorCode: partialErrorCode }),
    ...(error === undefined ? {} : { error }),
    ...failure,
  })
  return { statusCode: status, headers: { ...reply.headers }, ...wired(body, responseBytes) }
}
