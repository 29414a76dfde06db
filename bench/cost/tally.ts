/** What requests used of the stores, and how many round trips each waited for, one after the other. */
import type { Core } from '../../src/runtime/core.ts'
import type { Meter } from '../../src/store/meter.ts'
import { dollars } from './prices.ts'

export type Tally = {
  requests: number
  writeUnits: number
  readUnits: number
  puts: number
  gets: number
  /** Calls that read, of both stores. */
  readCalls: number
  mostReadCalls: number
  conditionsFailed: number
  trips: number
  mostTrips: number
  /** Bytes of the records' values that went in or came out. */
  valueBytes: number
}

export const newTally = (): Tally => ({
  requests: 0,
  writeUnits: 0,
  readUnits: 0,
  puts: 0,
  gets: 0,
  readCalls: 0,
  mostReadCalls: 0,
  conditionsFailed: 0,
  trips: 0,
  mostTrips: 0,
  valueBytes: 0,
})

/** Runs one request and adds it to the tally. `tickMs`: what each store call takes in the core's world. */
export async function tallied<T>(
  tally: Tally,
  core: Core,
  tickMs: number,
  valueBytes: number,
  request: (core: Core) => Promise<T>,
): Promise<T> {
  let readCalls = 0
  const meter: Meter = (use) => {
    tally.writeUnits += use.writeUnits
    tally.readUnits += use.readUnits
    if (use.outcome === 'condition-failed') tally.conditionsFailed++
    // A LIST has the price of a PUT.
    if (use.store === 'objects' && (use.call === 'put' || use.call === 'list')) tally.puts++
    if (use.store === 'objects' && use.call === 'get') tally.gets++
    if (use.call === 'get' || use.call === 'batchGet' || use.call === 'query') readCalls++
  }
  const startMs = core.clock.now()
  const answer = await request({ ...core, items: core.items.metered(meter), objects: core.objects.metered(meter) })
  const trips = (core.clock.now() - startMs) / tickMs
  tally.requests++
  tally.readCalls += readCalls
  tally.mostReadCalls = Math.max(tally.mostReadCalls, readCalls)
  tally.trips += trips
  tally.mostTrips = Math.max(tally.mostTrips, trips)
  tally.valueBytes += valueBytes
  return answer
}

/** What the stores charge for a million of these requests; Lambda and API Gateway come on top, whatever we do. */
export function dollarsAMillion(tally: Tally): number {
  const { writeUnits, readUnits, puts, gets, requests } = tally
  const total =
    writeUnits * dollars.aMillionWriteUnits +
    readUnits * dollars.aMillionReadUnits +
    puts * dollars.aMillionPuts +
    gets * dollars.aMillionGets
  return total / requests
}

export const dollarsAGib = (tally: Tally): number =>
  tally.valueBytes === 0 ? Number.NaN : ((dollarsAMillion(tally) / 1e6) * tally.requests * 2 ** 30) / tally.valueBytes
