import type { IncomingMessage } from 'node:http'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { FunctionName } from '../../functions/routes.ts'
import type { HandlerContext } from '../http/lambda.ts'
import type { Clock } from '../runtime/clock.ts'
import { errorResult } from './answer.ts'
import { readBody } from './body.ts'
import { type HttpEvent, httpEvent } from './event.ts'
import type { PlatformLimits } from './platform-limits.ts'
import { matchRoute, type NoMatch } from './route-table.ts'

/** A Lambda function behind an HTTP API. */
export type HttpHandler = (event: HttpEvent, context: HandlerContext) => Promise<APIGatewayProxyStructuredResultV2>

export type Handlers = Readonly<Record<FunctionName, HttpHandler>>

type RespondOptions = { readonly handlers: Handlers; readonly clock: Clock }

/**
 * The result to send; `undefined` where the client has gone before it had asked. A handler that is still busy is in `running`,
 * also after its caller has been told that it took too long.
 */
export async function respond(
  request: IncomingMessage,
  options: RespondOptions,
  limits: PlatformLimits,
  running: Set<Promise<unknown>>,
  context: HandlerContext,
): Promise<APIGatewayProxyStructuredResultV2 | undefined> {
  const [rawPath = '', ...rest] = pathAndQuery(request.url ?? '/').split('?')
  const match = matchRoute(request.method ?? '', rawPath)
  if ('status' in match) return noMatch(match)
  const body = await readBody(request, limits.eventBytesMax)
  if (body === 'aborted') return undefined
  if (body === 'too-large') return tooLarge(limits)
  const event = httpEvent(request, { rawPath, rawQueryString: rest.join('?') }, match, body, options.clock.now())
  if (!event) return errorResult(400, 'The query string is not valid percent-encoding')
  // Quotes are escaped in the event's JSON: a body under the limit may still be over it there, as it would be deployed.
  if (body.length > limits.eventBytesMax / 8 && jsonBytes(event) > limits.eventBytesMax) return tooLarge(limits)
  const result = await callHandler(options, match.function, event, limits, running, context)
  return { ...result, headers: { ...result.headers, 'apigw-requestid': event.requestContext.requestId } }
}

/** Calls the function as Lambda would: bounded in time and in the size of what it returns, its throws hidden. */
async function callHandler(
  options: RespondOptions,
  name: FunctionName,
  event: HttpEvent,
  limits: PlatformLimits,
  running: Set<Promise<unknown>>,
  context: HandlerContext,
): Promise<APIGatewayProxyStructuredResultV2> {
  const handled = options.handlers[name](event, context).catch(() => errorResult(500, 'Internal Server Error'))
  running.add(handled)
  void handled.finally(() => running.delete(handled))
  const answered = new AbortController()
  const overdue = options.clock
    .sleep(limits.handlerTimeoutMs, answered.signal)
    .then(() => errorResult(503, `No answer within ${limits.handlerTimeoutMs} ms; what was asked may still happen`))
  const result = await Promise.race([handled, overdue])
  answered.abort()
  if ((result.body?.length ?? 0) > limits.resultBytesMax / 8 && jsonBytes(result) > limits.resultBytesMax) {
    return errorResult(500, `The answer is larger than ${limits.resultBytesMax} bytes; ask for less with max_bytes`)
  }
  return result
}

const jsonBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value))

const tooLarge = (limits: PlatformLimits) =>
  errorResult(413, `The request is larger than ${limits.eventBytesMax} bytes, the most that a Lambda function takes`)

function noMatch(match: NoMatch) {
  if (match.status === 405) return errorResult(405, 'HTTP 405 Method Not Allowed', { allow: match.allow.join(', ') })
  if (match.status === 404) return errorResult(404, 'HTTP 404 Not Found')
  return errorResult(400, 'The path is not valid percent-encoding')
}

/** A request line may hold a whole URL (RFC 9112, 3.2.2). */
const pathAndQuery = (target: string) => target.replace(/^https?:\/\/[^/?]*/i, '')
