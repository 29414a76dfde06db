import { createServer, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/runtime/system.ts'
import { isThisMachine } from '../../../src/store/aws/ensure.ts'
import { openAws } from '../../../src/store/aws/open.ts'
import type { ObjectStore } from '../../../src/store/objects.ts'

type Fake = { readonly objects: ObjectStore; readonly requests: string[]; close(): Promise<void> }

let fake: Fake | undefined
afterEach(() => fake?.close())

const error = (response: ServerResponse, status: number, code: string) =>
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code></Error>`)

type Answer = (response: ServerResponse) => void

/** An S3 endpoint whose answers are given one by one, in order; the last one is repeated. */
const fakeS3 = (...answers: Answer[]): Promise<Fake> => fakeS3Within(10_000, ...answers)

async function fakeS3Within(readTimeoutMs: number, ...answers: Answer[]): Promise<Fake> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)]
    requests.push(`${request.method} ${request.url}`)
    request.resume().on('end', () => answer?.(response))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const { stores } = openAws({
    table: 'table',
    bucket: 'bucket',
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    clock: systemClock,
    readTimeoutMs,
  })
  const close = async () => {
    await stores.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { objects: stores.objects, requests, close }
}

const bytes = Uint8Array.from([1, 2, 3])
const reset = (response: ServerResponse) => response.socket?.resetAndDestroy()
const taken = (response: ServerResponse) => error(response, 412, 'PreconditionFailed')
const holding = (body: Uint8Array) => (response: ServerResponse) =>
  response.writeHead(200, { 'content-length': body.length }).end(body)

describe('a put', () => {
  it('whose answer is lost finds its own object, and has created it', async () => {
    fake = await fakeS3(reset, taken, holding(bytes))
    expect(await fake.objects.put('a/b', [bytes])).toBe('created')
    expect(fake.requests.map((line) => line.split(' ')[0])).toEqual(['PUT', 'PUT', 'GET'])
  })
  it('whose answer is lost, and that finds other bytes, has created nothing', async () => {
    fake = await fakeS3(reset, taken, holding(Uint8Array.from([9])))
    expect(await fake.objects.put('a/b', [bytes])).toBe('exists')
  })
  it('that meets another one is tried again', async () => {
    const met = (response: ServerResponse) => error(response, 409, 'ConditionalRequestConflict')
    fake = await fakeS3(met, met, taken)
    expect(await fake.objects.put('a/b', [bytes])).toBe('exists')
    expect(fake.requests).toHaveLength(3)
  })
  it('is tried a few times where S3 asks to slow down, and is then throttled', async () => {
    fake = await fakeS3((response) => error(response, 503, 'SlowDown'))
    await expect(fake.objects.put('a/b', [bytes])).rejects.toMatchObject({ name: 'StoreError', trouble: 'throttled' })
    expect(fake.requests).toHaveLength(4)
  })
  it('that is never answered has an unknown outcome, in time', async () => {
    fake = await fakeS3Within(500, () => {})
    await expect(fake.objects.put('a/b', [bytes])).rejects.toMatchObject({ trouble: 'unknown-outcome' })
  })
})

describe('a get', () => {
  it('from a bucket that is missing does not say that the object is', async () => {
    fake = await fakeS3((response) => error(response, 404, 'NoSuchBucket'))
    await expect(fake.objects.get('a/b')).rejects.toMatchObject({ trouble: 'misconfigured' })
  })
  it('whose body breaks off is unavailable', async () => {
    fake = await fakeS3((response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('half', () => response.socket?.resetAndDestroy())
    })
    await expect(fake.objects.get('a/b')).rejects.toMatchObject({ trouble: 'unavailable' })
  })
})

describe('a list', () => {
  it('goes on over empty pages, by their tokens, until there are no more', async () => {
    const page = (keys: string[], next?: string) => (response: ServerResponse) => {
      const contents = keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`).join('')
      const more = next ? `<NextContinuationToken>${next}</NextContinuationToken>` : ''
      const body = `<ListBucketResult>${contents}${more}<IsTruncated>${next !== undefined}</IsTruncated></ListBucketResult>`
      response.writeHead(200, { 'content-type': 'application/xml' }).end(body)
    }
    fake = await fakeS3(page(['a/1'], 'one'), page([], 'two'), page(['a/2', 'a/3']))
    expect((await fake.objects.list('a/', { after: 'a/0', limit: 10 })).map(({ key }) => key)).toEqual([
      'a/1',
      'a/2',
      'a/3',
    ])
    expect(fake.requests[0]).toContain('start-after=a%2F0')
    expect(fake.requests[2]).toContain('continuation-token=two')
  })
})

describe('a deletion', () => {
  it('of which a part fails is told', async () => {
    const body = '<DeleteResult><Error><Key>a/b</Key><Code>InternalError</Code></Error></DeleteResult>'
    fake = await fakeS3((response) => response.writeHead(200, { 'content-type': 'application/xml' }).end(body))
    await expect(fake.objects.delete(['a/b'])).rejects.toMatchObject({ trouble: 'unavailable' })
  })
})

describe('an endpoint', () => {
  it('is this machine only by a loopback address or name', () => {
    for (const here of ['http://127.0.0.1:4566', 'http://localhost:8000', 'http://[::1]:1', 'http://s3.localhost:1'])
      expect(isThisMachine(here), here).toBe(true)
    for (const there of [
      undefined,
      'https://dynamodb.us-east-1.amazonaws.com',
      'http://127.0.0.1.example.com',
      '10.0.0.1',
    ])
      expect(isThisMachine(there), there).toBe(false)
  })
})
