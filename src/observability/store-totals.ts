import type { Meter, StoreUse } from '../store/meter.ts'

/** What one request asked of the stores, as its log line shows it. */
export type StoreTotals = {
  storeCalls: number
  readUnits: number
  writeUnits: number
  /** S3 PUTs and LISTs: both have the price of a PUT. */
  puts: number
  /** S3 GETs. */
  gets: number
  /** Conditional writes that found another state than they hoped for. */
  conflicts: number
  throttled: number
  /** Calls of a kind that had failed before in the same request: an estimate where calls run side by side. */
  retries: number
  /** Writes of which nobody knew, at that moment, whether they had been applied. */
  unknownOutcomes: number
}

/** A meter that adds up. `totals` is live. */
export function storeTotals(): { readonly meter: Meter; readonly totals: Readonly<StoreTotals> } {
  const totals: StoreTotals = {
    storeCalls: 0,
    readUnits: 0,
    writeUnits: 0,
    puts: 0,
    gets: 0,
    conflicts: 0,
    throttled: 0,
    retries: 0,
    unknownOutcomes: 0,
  }
  const failedBefore = new Map<string, number>()
  const meter: Meter = (use) => {
    totals.storeCalls++
    totals.readUnits += use.readUnits
    totals.writeUnits += use.writeUnits
    if (use.store === 'objects' && (use.call === 'put' || use.call === 'list')) totals.puts++
    if (use.store === 'objects' && use.call === 'get') totals.gets++
    if (use.outcome === 'condition-failed') totals.conflicts++
    if (use.outcome === 'throttled') totals.throttled++
    if (use.outcome === 'unknown') totals.unknownOutcomes++
    countRetry(use)
  }
  const countRetry = (use: StoreUse) => {
    const kind = `${use.store} ${use.call}`
    const owed = failedBefore.get(kind) ?? 0
    if (owed > 0) totals.retries++
    const failed = use.outcome === 'throttled' || use.outcome === 'failed' || use.outcome === 'unknown'
    failedBefore.set(kind, Math.max(0, owed - 1) + (failed ? 1 : 0))
  }
  return { meter, totals }
}
