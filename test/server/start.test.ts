import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import { inFreshFolder, killAll, produce, runMillrace, startMillrace, valuesOf } from './millrace-process.ts'

afterAll(killAll)

describe('millrace start', () => {
  it('says in one line where it is and where the data is, and answers there', () =>
    inFreshFolder(async (folder) => {
      const { url, kafka, readyLine, err } = await startMillrace(['--data', folder])
      expect(readyLine).toBe(`millrace ready: ${url} and Kafka at ${kafka} (data in ${folder})`)
      expect(kafka).toMatch(/^127\.0\.0\.1:\d+$/)
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      expect(await produce(url, 'news', ['a', { b: 1 }])).toEqual([0, 1])
      expect(await valuesOf(url, 'news')).toEqual(['a', { b: 1 }])
      expect(err()).toBe('')
    }))

  it('keeps what was acknowledged, after a clean stop and after a kill', () =>
    inFreshFolder(async (folder) => {
      const first = await startMillrace(['--data', folder])
      await produce(first.url, 'news', [1])
      first.signal('SIGTERM')
      expect(await first.exited).toMatchObject({ code: 0, err: '' })
      const second = await startMillrace(['--data', folder])
      await produce(second.url, 'news', [2])
      second.signal('SIGKILL')
      await second.exited
      const third = await startMillrace(['--data', folder])
      expect(await valuesOf(third.url, 'news')).toEqual([1, 2])
      expect(await produce(third.url, 'news', [3])).toEqual([2])
    }))

  it('forgets everything with --memory', () =>
    inFreshFolder(async () => {
      const first = await startMillrace(['--memory'])
      expect(first.readyLine).toContain('(data in memory)')
      await produce(first.url, 'news', [1])
      first.signal('SIGINT')
      expect((await first.exited).code).toBe(0)
      const second = await startMillrace(['--memory'])
      expect((await fetch(`${second.url}/topics/news`)).status).toBe(404)
    }))

  it('finishes what it is answering before it stops', () =>
    inFreshFolder(async () => {
      const { url, signal, exited } = await startMillrace(['--memory'])
      await produce(url, 'news', [1])
      const poll = request(`${url}/topics/news/partitions/0/records?offset=1&timeout=400&max_bytes=1000`, {
        headers: { expect: '100-continue' },
      }).end()
      const answered = once(poll, 'response')
      // The server has the request in hand.
      await once(poll, 'continue')
      signal('SIGTERM')
      const [response] = await answered
      expect([response.statusCode, await text(response)]).toEqual([200, '[]'])
      expect((await exited).code).toBe(0)
    }))

  it('writes a JSON line a request with --verbose, without what was sent', () =>
    inFreshFolder(async () => {
      const { url, signal, exited } = await startMillrace(['--memory', '--verbose'])
      await produce(url, 'news', ['a secret'])
      signal('SIGTERM')
      const { err } = await exited
      expect(err).not.toContain('secret')
      const lines = err.trim().split('\n')
      expect(lines).toHaveLength(1)
      expect(JSON.parse(lines[0] ?? '')).toMatchObject({
        api: 'produce',
        topic: 'news',
        status: 200,
        outcome: 'ok',
        principal: expect.stringContaining('user/'),
        requestBytes: expect.any(Number),
        writeUnits: expect.any(Number),
      })
    }))

  it('takes the settings of topics', () =>
    inFreshFolder(async () => {
      const { url } = await startMillrace(['--memory', '--default-partitions', '3'])
      await produce(url, 'news', [1])
      expect(await (await fetch(`${url}/topics/news/partitions`)).json()).toHaveLength(3)
      const strict = await startMillrace(['--memory', '--no-auto-create-topics'])
      await expect(produce(strict.url, 'news', [1])).rejects.toThrow()
      expect(await (await fetch(`${strict.url}/topics`)).json()).toEqual([])
    }))
})

it('says its version, and in its help what is on, not what is off', async () => {
  const words = async (...args: string[]) => (await runMillrace(args)).out
  expect(await words('--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
  const help = await words('start', '--help')
  expect(help).toContain('(default: true)')
  expect(help).not.toContain('(default: false)')
})

describe('a clear word and exit code 1, where', () => {
  const refused = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const { code, out, err } = await runMillrace(args, env)
    expect([code, out]).toEqual([1, ''])
    expect(err).toMatch(/^millrace: [^\n]+\n$/)
    return err
  }

  it('the port is taken', async () => {
    const other = createServer()
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)) // A string only for pipes.
    })
    expect(await refused(['start', '--memory', '--http', `${port}`])).toContain(`port ${port} on 127.0.0.1 is taken`)
    expect(await refused(['start', '--memory', '--http', '0', '--kafka', `${port}`])).toContain(
      `port ${port} on 127.0.0.1 is taken; choose another with --kafka`,
    )
    await new Promise((resolve) => other.close(resolve))
  })

  it('the folder is taken', () =>
    inFreshFolder(async (folder) => {
      const { url } = await startMillrace(['--data', folder])
      expect(await refused(['start', '--http', '0', '--data', folder])).toContain(folder)
      expect(await produce(url, 'news', [1])).toEqual([0])
    }))

  it('the folder is something else', () =>
    inFreshFolder(async (folder) => {
      await writeFile(join(folder, 'novel.txt'), 'It was a dark night')
      expect(await refused(['start', '--http', '0', '--data', folder])).toContain('novel.txt')
      expect(await refused(['start', '--http', '0', '--data', join(folder, 'novel.txt')])).toContain('novel.txt')
    }))

  it('an option is bad', async () => {
    expect(await refused(['start', '--http', '99999'])).toContain('--http')
    expect(await refused(['start', '--default-partitions', '0', '--memory'])).toContain('--default-partitions')
    expect(await refused(['start', '--advertise', 'here'])).toContain('HOST:PORT')
    expect(await refused(['start', '--nonsense'])).toContain('--nonsense')
    expect(await refused(['start', '--memory', '--data', 'here'])).toContain('--data')
    expect(await refused(['start', '--memory', '--default-partitions', '9', '--max-partitions', '3'])).toContain('9')
    expect(await refused(['start', '--memory', '--host', 'no.such.host.invalid'])).toContain('no.such.host.invalid')
  })

  it('the table has a name that no table can have', async () => {
    const dynamodb = createHttpServer(({ method }, response) => {
      response.writeHead(method === 'HEAD' ? 200 : 400, { 'content-type': 'application/x-amz-json-1.0' })
      response.end(JSON.stringify({ __type: 'ValidationException', message: 'at least 3 letters' }))
    })
    const port = await new Promise<number>((resolve) => {
      dynamodb.listen(0, '127.0.0.1', () => resolve((dynamodb.address() as { port: number }).port)) // A string only for pipes.
    })
    const env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` }
    expect(await refused(['serve', '--store', 'aws', '--table', 'T', '--bucket', 'bucket'], env)).toContain(
      'at least 3 letters',
    )
    await new Promise((resolve) => dynamodb.close(resolve))
  })

  it('the stores of AWS are named by halves, or cannot be reached', async () => {
    expect(await refused(['serve', '--store', 'aws', '--table', 'T'])).toContain('--bucket')
    expect(await refused(['serve', '--table', 'T'])).toContain('--store aws')
    const home = { HOME: '/nowhere' }
    expect(await refused(['serve', '--store', 'aws', '--table', 'T', '--bucket', 'b'], home)).toContain('AWS_REGION')
    const env = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }
    expect(await refused(['serve', '--store', 'aws', '--table', 'T', '--bucket', 'b'], env)).toContain(
      env.AWS_ENDPOINT_URL,
    )
  })
})
