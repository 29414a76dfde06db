import type { Clock } from '../runtime/clock.ts'
import { StoreError } from '../store/errors.ts'
import type { Meter } from '../store/meter.ts'
import { embeddedMetrics } from './metrics.ts'
import { currentOutput, type Output } from './output.ts'
import { type StoreTotals, storeTotals } from './store-totals.ts'

/** What a front door learns about a request on its way. Never record contents, record keys or secrets. */
export type RequestFields = {
  readonly topic?: string
  readonly partition?: number
  readonly group?: string
  /** What a Kafka frame asked for: `fetch v12`. */
  readonly kafkaApi?: string
  readonly requestBytes?: number
  readonly responseBytes?: number
}

/** How a request ended. `errorCode` is the wire's; with a status below 400 it says that a part of the request failed. */
export type RequestOutcome = {
  readonly status: number
  readonly errorCode?: number
  /** What was thrown. Its message is logged only where it is a `StoreError`: others may quote what the caller sent. */
  readonly error?: unknown
}

export type Observation = {
  /** Hand this to the stores (`core.items.metered(meter)`), so that the line knows what the request cost. */
  readonly meter: Meter
  /** Adds fields to the line; later ones win. */
  note(fields: RequestFields): void
  /** Writes the line. Only the first call counts. */
  finish(outcome: RequestOutcome): void
}

/**
 * Follows one request and writes one JSON line when it finishes, log and metrics in one
 * (docs/operations.md lists the fields). Call it first, so that `latencyMs` is the whole time.
 */
export function observeRequest(request: {
  /** Which function answers: `produce`, `fetch`, … */
  readonly api: string
  readonly requestId: string
  readonly clock: Clock
  /** Who calls, as the platform says. */
  readonly principal?: string | undefined
  /** Where the line goes; by default where `logTo` said. */
  readonly output?: Output | undefined
}): Observation {
  const startedMs = request.clock.uptime()
  const { meter, totals } = storeTotals()
  let fields: RequestFields = {}
  let finished = false
  return {
    meter,
    note(more) {
      fields = { ...fields, ...more }
    },
    finish(outcome) {
      if (finished) return
      finished = true
      const output = request.output ?? currentOutput()
      if (!output) return
      const nowMs = request.clock.now()
      const latencyMs = Math.round(request.clock.uptime() - startedMs)
      const result = verdict(outcome)
      const line = {
        time: new Date(nowMs).toISOString(),
        level: level(result, totals),
        requestId: request.requestId,
        api: request.api,
        principal: request.principal,
        ...fields,
        status: outcome.status,
        errorCode: outcome.errorCode,
        outcome: result,
        latencyMs,
        ...totals,
        ...(outcome.error === undefined ? {} : { error: describeError(outcome.error) }),
        ...(output.metricsOf ? metrics(output.metricsOf, nowMs, outcome, result, latencyMs, totals) : {}),
      }
      output.write(JSON.stringify(line))
    },
  }
}

type Verdict = 'ok' | 'refused' | 'partly-failed' | 'failed'

function verdict({ status, errorCode }: RequestOutcome): Verdict {
  if (status >= 500) return 'failed'
  if (status >= 400) return 'refused'
  return errorCode === undefined ? 'ok' : 'partly-failed'
}

function level(result: Verdict, totals: StoreTotals): 'INFO' | 'WARN' | 'ERROR' {
  if (result === 'failed') return 'ERROR'
  return result === 'partly-failed' || totals.throttled > 0 || totals.unknownOutcomes > 0 ? 'WARN' : 'INFO'
}

function metrics(
  functionName: string,
  nowMs: number,
  { status }: RequestOutcome,
  result: Verdict,
  latencyMs: number,
  totals: StoreTotals,
): Record<string, unknown> {
  const throttles = totals.throttled + (status === 429 ? 1 : 0)
  return embeddedMetrics(functionName, nowMs, {
    Requests: 1,
    // Zeros are written here and not below: they make the average of Errors the error rate.
    Errors: result === 'failed' || result === 'partly-failed' ? 1 : 0,
    Latency: latencyMs,
    ...(throttles > 0 ? { Throttles: throttles } : {}),
    ...(totals.retries > 0 ? { Retries: totals.retries } : {}),
    ...(totals.unknownOutcomes > 0 ? { UnknownOutcomes: totals.unknownOutcomes } : {}),
  })
}

/** An error for a log line: never a message that may quote what a caller sent. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error }
  const frames = error.stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? []
  return {
    name: error.name,
    ...(error instanceof StoreError ? { trouble: error.trouble, message: error.message } : {}),
    ...(error.cause instanceof Error ? { cause: error.cause.name } : {}),
    stack: frames.slice(0, 12).map((line) => line.trim()),
  }
}
