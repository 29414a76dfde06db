/**
 * From the event of an HTTP API (payload format 2.0,
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html) to our own request.
 */
import { HttpError } from './errors.ts'
import { bodyBytesMax } from './limits.ts'
import type { HttpRequest } from './request.ts'

/** What we read of the event. */
export type GatewayEvent = {
  readonly routeKey: string
  readonly rawPath: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly queryStringParameters?: Readonly<Record<string, string | undefined>> | undefined
  readonly pathParameters?: Readonly<Record<string, string | undefined>> | undefined
  readonly body?: string | undefined
  readonly isBase64Encoded: boolean
  readonly requestContext: {
    readonly requestId: string
    readonly domainName?: string
    readonly authorizer?: { readonly iam?: { readonly userArn: string } }
  }
}

/** Reads everything but the body's meaning, and what only the store knows. 413 for a body over the limit. */
export function requestOf(event: GatewayEvent): Omit<HttpRequest, 'access'> {
  const headers = given(Object.entries(event.headers).map(([name, value]) => [name.toLowerCase(), value]))
  const { params, prefix } = readPath(event)
  return {
    route: event.routeKey,
    params,
    query: given(Object.entries(event.queryStringParameters ?? {})),
    headers,
    body: readBody(event),
    principal: lastingPrincipal(callerOf(event)),
    origin: originOf(event, headers, prefix),
  }
}

const given = (entries: readonly (readonly [string, string | undefined])[]): Record<string, string> =>
  Object.fromEntries(entries.filter((entry): entry is readonly [string, string] => entry[1] !== undefined))

/** The caller's ARN as IAM gave it: with the session, where it is an assumed role. */
export const callerOf = (event: GatewayEvent): string => event.requestContext.authorizer?.iam?.userArn ?? 'anonymous'

/** Without the session: a client that comes back from another machine is the same principal. */
const lastingPrincipal = (arn: string): string => arn.replace(/^(arn:[^:]*:sts::\d*:assumed-role\/[^/]+)\/.*$/, '$1')

function readBody(event: GatewayEvent): Uint8Array {
  const text = event.body ?? ''
  const tooLarge = () =>
    new HttpError('tooLarge', `The body is larger than ${bodyBytesMax} bytes, the most that one call takes.`)
  if (event.isBase64Encoded && text.length > Math.ceil(bodyBytesMax / 3) * 4) throw tooLarge()
  const body = Buffer.from(text, event.isBase64Encoded ? 'base64' : 'utf8')
  if (body.length > bodyBytesMax) throw tooLarge()
  return body
}

/**
 * The parameters, and what stands in the path before the route's own (a stage, the mapping of a custom domain). They are taken
 * from the raw path and decoded once, since API Gateway leaves `%25` alone where it decodes all else: decoding its
 * `pathParameters` would be once too much for some and once too little for others.
 */
function readPath(event: GatewayEvent): { params: Record<string, string>; prefix: string } {
  const template = segmentsOf(event.routeKey.slice(event.routeKey.indexOf(' ') + 1))
  const path = segmentsOf(event.rawPath)
  const ahead = path.slice(0, path.length - template.length)
  const own = path.slice(ahead.length)
  const fits = own.length === template.length && template.every((part, at) => isParameter(part) || part === own[at])
  if (!fits) return { params: given(Object.entries(event.pathParameters ?? {})), prefix: '' }
  const params: Record<string, string> = {}
  for (const [at, part] of template.entries()) {
    if (isParameter(part)) params[part.slice(1, -1)] = decodedOnce(own[at] ?? '')
  }
  return { params, prefix: ahead.map((part) => `/${part}`).join('') }
}

const isParameter = (segment: string): boolean => segment.startsWith('{')
const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '')

function decodedOnce(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

const first = (list: string | undefined): string | undefined => list?.split(',')[0]?.trim() || undefined

/** Where the caller thinks it is talking to: what a proxy in front of us says, else what the request itself says. */
function originOf(event: GatewayEvent, headers: Record<string, string>, prefix: string): string {
  const scheme = first(headers['x-forwarded-proto']) ?? 'https'
  const host = first(headers['x-forwarded-host']) ?? headers.host ?? event.requestContext.domainName ?? 'localhost'
  const outer = (first(headers['x-forwarded-prefix']) ?? '').replace(/\/+$/, '')
  return `${scheme}://${host}${outer}${prefix}`
}
