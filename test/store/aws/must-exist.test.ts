import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { runMillrace } from '../../server/millrace-process.ts'

/** A DynamoDB and an S3 that have nothing, and take note of what they are asked. */
const asked: string[] = []
const server = createServer((request, response) => {
  const target = request.headers['x-amz-target']
  asked.push(target === undefined ? `${request.method} ${request.url}` : String(target).replace(/.*\./, ''))
  response.writeHead(target === undefined ? 404 : 400, { 'content-type': 'application/x-amz-json-1.0' })
  response.end(target === undefined ? '' : JSON.stringify({ __type: 'ResourceNotFoundException', message: 'none' }))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
afterAll(() => server.close())
const { port } = server.address() as AddressInfo // A string only for pipes.

test.each([
  ['verify', '--store', 'aws'],
  ['maintain', '--dry-run', '--store', 'aws'],
  ['groups', 'list', '--store', 'aws'],
  ['restore', '--execute'],
])('%s makes no table and no bucket for names that were mistyped, on an emulator either', async (...args) => {
  asked.length = 0
  const names = ['--table', 'mistyped', '--bucket', 'mistyped-too']
  const exit = await runMillrace([...args, ...names], { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` })
  expect(exit).toMatchObject({ code: 1, out: '', err: expect.stringContaining('does not exist') })
  expect([...new Set(asked)].filter((one) => one !== 'DescribeTable' && !one.startsWith('HEAD '))).toEqual([])
})
