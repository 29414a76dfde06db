/** What a worker is asked for, and what it tells of one seed: all of it plain JSON. */
import type { Anomaly, History } from './history.ts'
import type { Limits } from './limits.ts'

/** `shorten`: look for less that shows the same anomaly, and tell the whole history. */
export type Job = { readonly seed: number; readonly limits: Limits; readonly shorten?: string }

export type Counts = { readonly [name: string]: number }

export type Result = {
  readonly seed: number
  readonly limits: Limits
  readonly anomalies: readonly Anomaly[]
  /** Calls of clients that the checker judged. */
  readonly operations: number
  readonly steps: number
  readonly storeCalls: number
  readonly simulatedMs: number
  readonly kills: number
  readonly freezes: number
  /** By site, and by `site|fault`. */
  readonly calls: Counts
  readonly fired: Counts
  /** Only where there are anomalies. */
  readonly trace: readonly string[]
  /** Only where asked to shorten. */
  readonly history: History
}

/** A seed that brought no outcome: its process died or was stopped. */
export const noOutcome = (job: Job, name: string, what: string): Result => ({
  ...job,
  anomalies: [{ name, what, events: [] }],
  operations: 0,
  steps: 0,
  storeCalls: 0,
  simulatedMs: 0,
  kills: 0,
  freezes: 0,
  calls: {},
  fired: {},
  trace: [],
  history: [],
})
