import type { Clock } from '../runtime/clock.ts'
import type { Meter } from '../store/meter.ts'
import { embeddedMetrics, type MetricName } from './metrics.ts'
import { currentOutput, type Output } from './output.ts'
import { describeError } from './request.ts'
import { storeTotals } from './store-totals.ts'

/** How a run ended: figures go into the line; CloudWatch, which charges for every metric that it hears of, counts some of them. */
export type JobOutcome = {
  readonly figures: Readonly<Partial<Record<MetricName, number>>>
  readonly counted: readonly MetricName[]
  readonly error?: unknown
}

export type JobObservation = {
  /** Hand this to the stores, so that the line knows what the run cost. */
  readonly meter: Meter
  /** Writes the line. Only the first call counts. */
  finish(outcome: JobOutcome): void
}

/** Follows one run of a scheduled task and writes one JSON line when it ends, log and metrics in one. */
export function observeJob(run: {
  readonly job: string
  readonly requestId?: string | undefined
  readonly clock: Clock
  /** Where the line goes; by default where `logTo` said. */
  readonly output?: Output | undefined
}): JobObservation {
  const startedMs = run.clock.uptime()
  const { meter, totals } = storeTotals()
  let finished = false
  return {
    meter,
    finish({ figures, counted, error }) {
      if (finished) return
      finished = true
      const output = run.output ?? currentOutput()
      if (!output) return
      const nowMs = run.clock.now()
      const metrics = Object.fromEntries(counted.map((name) => [name, figures[name] ?? 0]))
      output.write(
        JSON.stringify({
          time: new Date(nowMs).toISOString(),
          level: error === undefined ? 'INFO' : 'ERROR',
          requestId: run.requestId,
          job: run.job,
          outcome: error === undefined ? 'ok' : 'failed',
          runMs: Math.round(run.clock.uptime() - startedMs),
          ...figures,
          ...totals,
          ...(error === undefined ? {} : { error: describeError(error) }),
          ...(output.metricsOf && counted.length > 0 ? embeddedMetrics(output.metricsOf, nowMs, metrics) : {}),
        }),
      )
    },
  }
}
