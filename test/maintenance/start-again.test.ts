import { createServer, type IncomingMessage } from 'node:http'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startAgain } from '../../functions/start-again.ts'

const asked: { readonly request: IncomingMessage; readonly body: string }[] = []
let status = 202
const server = createServer(async (request, response) => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  asked.push({ request, body: Buffer.concat(chunks).toString() })
  response.writeHead(status).end()
})

const before = { ...process.env }

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  Object.assign(process.env, {
    AWS_LAMBDA_FUNCTION_NAME: 'Log-Maintain',
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'token',
  })
})

afterEach(async () => {
  process.env = { ...before }
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

it('the function asks Lambda, signed as its role, to start itself, and does not wait for the end', async () => {
  await startAgain({ round: 7 })
  const [{ request, body } = {}] = asked
  expect(request).toMatchObject({ method: 'POST', url: '/2015-03-31/functions/Log-Maintain/invocations' })
  expect(request?.headers).toMatchObject({
    'x-amz-invocation-type': 'Event',
    'x-amz-security-token': 'token',
    authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=id\/\d{8}\/eu-west-1\/lambda\/aws4_request/),
  })
  expect(JSON.parse(body ?? '')).toEqual({ round: 7 })
})

it('where Lambda refuses, that is an error', async () => {
  status = 429
  await expect(startAgain({ round: 1 })).rejects.toThrow('429')
})
