/** What all runs came to, added up. */
import type { Counts, Result } from './result.ts'

export type Totals = {
  seeds: number
  failed: number
  operations: number
  steps: number
  storeCalls: number
  simulatedMs: number
  kills: number
  freezes: number
  readonly calls: Map<string, number>
  readonly fired: Map<string, number>
}

export const noTotals = (): Totals => ({
  seeds: 0,
  failed: 0,
  operations: 0,
  steps: 0,
  storeCalls: 0,
  simulatedMs: 0,
  kills: 0,
  freezes: 0,
  calls: new Map(),
  fired: new Map(),
})

export function addTo(totals: Totals, result: Result): void {
  totals.seeds++
  if (result.anomalies.length > 0) totals.failed++
  for (const name of ['operations', 'steps', 'storeCalls', 'simulatedMs', 'kills', 'freezes'] as const) {
    totals[name] += result[name]
  }
  addCounts(totals.calls, result.calls)
  addCounts(totals.fired, result.fired)
}

function addCounts(to: Map<string, number>, counts: Counts): void {
  for (const [name, number] of Object.entries(counts)) to.set(name, (to.get(name) ?? 0) + number)
}
