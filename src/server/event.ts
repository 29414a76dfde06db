import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { userInfo } from 'node:os'
import type { APIGatewayProxyEventV2WithIAMAuthorizer } from 'aws-lambda'
import { decoded, type Match } from './route-table.ts'

export type HttpEvent = APIGatewayProxyEventV2WithIAMAuthorizer

/**
 * The event an HTTP API would hand to the function: payload format 2.0
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html).
 * `undefined`: the query string is malformed.
 */
export function httpEvent(
  request: IncomingMessage,
  target: { readonly rawPath: string; readonly rawQueryString: string },
  match: Match,
  body: Buffer,
  nowMs: number,
): HttpEvent | undefined {
  const query = queryParameters(target.rawQueryString)
  if (!query) return undefined
  const headers = joinedHeaders(request)
  const text = isText(headers['content-type'])
  const host = headers.host ?? ''
  const { cookie, ...others } = headers
  return {
    version: '2.0',
    routeKey: match.routeKey,
    rawPath: target.rawPath,
    rawQueryString: target.rawQueryString,
    ...(cookie === undefined ? {} : { cookies: cookie.split('; ') }),
    headers: withForwarded(others, request),
    ...(Object.keys(query).length > 0 ? { queryStringParameters: query } : {}),
    ...(Object.keys(match.pathParameters).length > 0 ? { pathParameters: match.pathParameters } : {}),
    requestContext: {
      accountId: localUser.accountId,
      apiId: 'local',
      authorizer: { iam: localUser },
      domainName: host,
      domainPrefix: host.split('.')[0] ?? '',
      http: {
        method: request.method ?? '',
        path: target.rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: match.routeKey,
      stage: '$default',
      time: new Date(nowMs).toISOString(),
      timeEpoch: nowMs,
    },
    ...(body.length > 0 ? { body: body.toString(text ? 'utf8' : 'base64') } : {}),
    isBase64Encoded: body.length > 0 && !text,
  }
}

/** An HTTP API decides by the content type alone whether a body travels as text. */
function isText(contentType: string | undefined): boolean {
  const type = contentType?.split(';')[0]?.trim().toLowerCase() ?? ''
  return type.startsWith('text/') || /^application\/(.*\+)?(json|xml|javascript)$/.test(type)
}

/** Names in lower case, values of a repeated header joined with commas. */
function joinedHeaders(request: IncomingMessage): Record<string, string> {
  const joined: Record<string, string> = {}
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (values) joined[name] = values.join(name === 'cookie' ? '; ' : ',')
  }
  return joined
}

/** API Gateway always says how it was reached; a proxy in front of us may have said so already. */
function withForwarded(headers: Record<string, string>, request: IncomingMessage): Record<string, string> {
  return {
    'x-forwarded-for': request.socket.remoteAddress ?? '',
    'x-forwarded-port': String(request.socket.localPort ?? ''),
    'x-forwarded-proto': 'http',
    ...headers,
  }
}

/** Values of a repeated name are joined with commas. `undefined`: malformed percent-encoding. */
function queryParameters(raw: string): Record<string, string> | undefined {
  const parameters = new Map<string, string>()
  for (const pair of raw.split('&')) {
    if (pair === '') continue
    const [rawName = '', ...rest] = pair.replaceAll('+', ' ').split('=')
    const name = decoded(rawName)
    const value = decoded(rest.join('='))
    if (name === undefined || value === undefined) return undefined
    const before = parameters.get(name)
    parameters.set(name, before === undefined ? value : `${before},${value}`)
  }
  return Object.fromEntries(parameters)
}

/** On one machine there is no IAM: the caller is whoever runs the server. */
const localUser = {
  accessKey: 'local',
  accountId: '000000000000',
  callerId: 'local',
  cognitoIdentity: null,
  principalOrgId: '',
  userArn: `arn:aws:iam::000000000000:user/${userName()}`,
  userId: 'local',
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'local' // A container's user may have no name.
  }
}
