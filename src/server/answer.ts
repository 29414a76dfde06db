import type { ServerResponse } from 'node:http'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'

/** Writes a handler's result as API Gateway would. Nothing happens where the client has gone. */
export function answer(response: ServerResponse, result: APIGatewayProxyStructuredResultV2): void {
  if (response.headersSent || response.destroyed) return
  const body = Buffer.from(result.body ?? '', result.isBase64Encoded ? 'base64' : 'utf8')
  const status = result.statusCode ?? 200
  response.statusCode = status
  for (const [name, value] of Object.entries(result.headers ?? {})) response.setHeader(name, String(value))
  if (result.cookies && result.cookies.length > 0) response.setHeader('set-cookie', result.cookies)
  if (status === 204 || status === 304) {
    response.end()
    return
  }
  response.setHeader('content-length', body.length)
  response.end(body)
}

/** An error that the platform itself answers, in the shape of the contract: `{"error_code","message"}`. */
export function errorResult(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ error_code: status, message }),
  }
}
