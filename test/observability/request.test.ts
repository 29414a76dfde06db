import { describe, expect, it } from 'vitest'
import { observeRequest } from '../../src/observability/request.ts'
import type { Clock } from '../../src/runtime/clock.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { StoreUse } from '../../src/store/meter.ts'

const use = (over: Partial<StoreUse>): StoreUse => ({
  store: 'items',
  call: 'update',
  readUnits: 0,
  writeUnits: 1,
  bytes: 100,
  outcome: 'ok',
  ...over,
})

function observed(metricsOf?: string) {
  const lines: string[] = []
  let nowMs = Date.UTC(2026, 0, 1)
  const clock: Clock = { now: () => nowMs, uptime: () => nowMs, sleep: async () => {} }
  const output = { write: (line: string) => void lines.push(line), ...(metricsOf ? { metricsOf } : {}) }
  const after = (ms: number) => {
    nowMs += ms
  }
  const request = observeRequest({ api: 'produce', requestId: 'r-1', clock, principal: 'somebody', output })
  return { request, lines, after, line: () => JSON.parse(lines[0] ?? 'null') }
}

describe('a request', () => {
  it('leaves one line that says who asked for what, what it cost and how it ended', () => {
    const { request, lines, after, line } = observed()
    request.note({ topic: 'orders', partition: 2, requestBytes: 10 })
    request.note({ responseBytes: 20 })
    request.meter(use({ writeUnits: 2 }))
    request.meter(use({ call: 'query', readUnits: 0.5, writeUnits: 0 }))
    request.meter(use({ store: 'objects', call: 'put', writeUnits: 0 }))
    request.meter(use({ store: 'objects', call: 'get', writeUnits: 0 }))
    after(12)
    request.finish({ status: 200 })
    expect(lines).toHaveLength(1)
    expect(line()).toEqual({
      time: '2026-01-01T00:00:00.012Z',
      level: 'INFO',
      requestId: 'r-1',
      api: 'produce',
      principal: 'somebody',
      topic: 'orders',
      partition: 2,
      requestBytes: 10,
      responseBytes: 20,
      status: 200,
      outcome: 'ok',
      latencyMs: 12,
      storeCalls: 4,
      readUnits: 0.5,
      writeUnits: 2,
      puts: 1,
      gets: 1,
      conflicts: 0,
      throttled: 0,
      retries: 0,
      unknownOutcomes: 0,
    })
  })

  it('is written once, however often it is finished', () => {
    const { request, lines } = observed()
    request.finish({ status: 200 })
    request.finish({ status: 500 })
    expect(lines).toHaveLength(1)
  })

  it('counts unknown outcomes and the calls sent again after them', () => {
    const { request, line } = observed()
    request.meter(use({ outcome: 'unknown' }))
    request.meter(use({ outcome: 'throttled' }))
    request.meter(use({ outcome: 'condition-failed' }))
    request.finish({ status: 200 })
    expect(line()).toMatchObject({ level: 'WARN', unknownOutcomes: 1, throttled: 1, retries: 2, conflicts: 1 })
  })

  it('tells apart refused, failed and partly failed', () => {
    const outcomes = [{ status: 404, errorCode: 40401 }, { status: 503 }, { status: 200, errorCode: 50003 }].map(
      (end) => {
        const { request, line } = observed()
        request.finish(end)
        return line().outcome
      },
    )
    expect(outcomes).toEqual(['refused', 'failed', 'partly-failed'])
  })

  it('never repeats what the caller sent, not even in the message of an error', () => {
    const { request, lines, line } = observed()
    request.finish({ status: 500, error: new SyntaxError('Unexpected token in "my secret"') })
    expect(lines[0]).not.toContain('secret')
    expect(line().error).toMatchObject({ name: 'SyntaxError' })
    expect(line().error.stack[0]).toContain('request.test.ts')
  })

  it('says what a store complained about', () => {
    const { request, line } = observed()
    request.finish({ status: 503, error: new StoreError('unavailable', 'no table here') })
    expect(line().error).toMatchObject({ name: 'StoreError', trouble: 'unavailable', message: 'no table here' })
  })
})

describe('metrics', () => {
  it('stand in the same line, named as CloudWatch expects them', () => {
    const { request, line } = observed('my-stack-produce')
    request.meter(use({ outcome: 'unknown' }))
    request.finish({ status: 503 })
    expect(line()).toMatchObject({
      Function: 'my-stack-produce',
      Requests: 1,
      Errors: 1,
      UnknownOutcomes: 1,
      Latency: 0,
    })
    const directive = line()._aws.CloudWatchMetrics[0]
    expect(directive).toMatchObject({ Namespace: 'Millrace', Dimensions: [['Function']] })
    for (const { Name } of directive.Metrics) expect(line()[Name]).toBeTypeOf('number')
  })

  it('are left out where nothing happened, apart from requests, errors and latency', () => {
    const { request, line } = observed('f')
    request.finish({ status: 200 })
    expect(line()._aws.CloudWatchMetrics[0].Metrics.map((metric: { Name: string }) => metric.Name)).toEqual([
      'Requests',
      'Errors',
      'Latency',
    ])
  })
})
