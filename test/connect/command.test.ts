import { expect, it } from 'vitest'
import { clientAt } from '../broker/kit.ts'
import { inFreshFolder, runMillrace, startConnect, startMillrace } from '../server/millrace-process.ts'

it('millrace connect opens a Kafka port before a server, and stops when told to', () =>
  inFreshFolder(async () => {
    const server = await startMillrace(['--memory'])
    const connect = await startConnect([server.url, '--no-sign'])
    expect(connect.readyLine).toBe(`millrace connect ready: Kafka at ${connect.kafka} (${server.url})`)
    const client = await clientAt(Number(connect.kafka.split(':')[1]))
    const { brokers } = await client.call('metadata', { topics: null })
    expect(brokers.map(({ host, port }) => `${host}:${port}`)).toEqual([connect.kafka])
    connect.signal('SIGTERM')
    expect(await connect.exited).toMatchObject({ code: 0, err: '' })
  }))

it.each([
  ['not-a-url', [], /not an http\(s\) URL/],
  ['http://127.0.0.1:9', ['--no-sign'], /does not answer as a deployment: .*ECONNREFUSED/],
  ['https://log.example', [], /which AWS region/],
])('millrace connect %s says what is wrong, in one line', async (url, options, expected) => {
  const { code, err } = await runMillrace(['connect', url, '--port', '0', ...options])
  expect([code, err.trim().split('\n').length]).toEqual([1, 1])
  expect(err).toMatch(expected)
})
