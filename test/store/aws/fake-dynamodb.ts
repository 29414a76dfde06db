/** A DynamoDB endpoint that does as it is told: counts what it applied, then fails to say so. Knows no expressions. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { systemClock } from '../../../src/runtime/system.ts'
import { connect } from '../../../src/store/aws/connection.ts'
import { dynamoClients, dynamoItems } from '../../../src/store/aws/dynamodb.ts'
import type { ItemStore } from '../../../src/store/items.ts'

/** One request: `UpdateItem`, its body, and the answer to write. */
export type Call = {
  readonly operation: string
  readonly body: Record<string, unknown>
  readonly response: ServerResponse
}

export type Fake = {
  readonly items: ItemStore
  readonly calls: Call[]
  close(): Promise<void>
}

export function answer(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/x-amz-json-1.0',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** An error as DynamoDB tells it. */
export const refuse = (response: ServerResponse, status: number, name: string, more: object = {}) =>
  answer(response, status, { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: name, ...more })

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString())
}

const listening = (server: Server) =>
  new Promise<number>((resolve, reject) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('no port'))
      else resolve(address.port)
    })
  })

/** `serve` is called once per request, in order. `timeoutMs`: short where a call hangs, so that it ends soon. */
export async function fakeDynamodb(serve: (call: Call) => void, timeoutMs = 60_000): Promise<Fake> {
  const calls: Call[] = []
  const server = createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? ''
    const call = { operation, body: await bodyOf(request), response }
    calls.push(call)
    serve(call)
  })
  const port = await listening(server)
  const connection = connect({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    clock: systemClock,
    connectTimeoutMs: 60_000,
    writeTimeoutMs: timeoutMs,
    readTimeoutMs: timeoutMs,
  })
  const items = dynamoItems({ table: 'table', connection, clients: dynamoClients(connection) })
  const close = async () => {
    connection.client.requestHandler.destroy()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { items, calls, close }
}
