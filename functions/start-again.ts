/**
 * Starting this very function anew, without waiting for it (Lambda's Invoke with the type Event). One signed call: the SDK's client
 * would be as large as the function.
 */
import type { Round } from '../src/maintenance/lambda.ts'

const timeoutMs = 10_000

/** @throws Error where Lambda does not take it: the schedule starts the next round then. */
export async function startAgain(round: Round): Promise<void> {
  const { AWS_LAMBDA_FUNCTION_NAME: name, AWS_REGION: region } = process.env
  if (!name || !region) throw new Error('AWS_LAMBDA_FUNCTION_NAME and AWS_REGION say which function this is')
  const { signing } = await import('../src/connect/signing.ts')
  const url = new URL(`/2015-03-31/functions/${name}/invocations`, lambdaEndpoint(region))
  const body = new TextEncoder().encode(JSON.stringify(round))
  const headers = { host: url.host, 'content-type': 'application/json', 'x-amz-invocation-type': 'Event' }
  const { host: _, ...signed } = await signing(region, 'lambda')(url, headers, body)
  const answer = await fetch(url, { method: 'POST', headers: signed, body, signal: AbortSignal.timeout(timeoutMs) })
  if (!answer.ok) throw new Error(`Lambda answered ${answer.status} where ${name} wanted to go on`)
}

/** As the SDK would find it. */
function lambdaEndpoint(region: string): string {
  const { AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL } = process.env
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return AWS_ENDPOINT_URL_LAMBDA || AWS_ENDPOINT_URL || `https://lambda.${region}.${suffix}`
}
