/** The input: 20,000 flights in the United States of early 2001, from the npm package `vega-datasets`, in order of time. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export type Flight = {
  readonly date: string
  readonly delay: number
  readonly distance: number
  readonly origin: string
  readonly destination: string
}

/** A flight as it goes into the log. `sequence`: its place in the file; each producer sends its share in that order. */
export type NumberedFlight = {
  readonly sequence: number
  readonly key: string
  readonly timestampMs: number
  readonly flight: Flight
}

export function readFlights(): NumberedFlight[] {
  const entry = createRequire(import.meta.url).resolve('vega-datasets')
  const file = join(dirname(entry), '..', 'data', 'flights-20k.json')
  // The cast: the shape of a file whose version the lock file holds.
  const flights = JSON.parse(readFileSync(file, 'utf8')) as Flight[]
  return flights.map((flight, sequence) => ({
    sequence,
    key: flight.origin,
    timestampMs: timestampOf(flight.date),
    flight,
  }))
}

/** `2001/01/31 23:59` as milliseconds; the file names no time zone, so UTC it is. */
function timestampOf(date: string): number {
  const parts = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d)$/.exec(date)
  if (!parts) throw new Error(`a flight has no date: ${date}`)
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = parts.slice(1).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute)
}

export const batchRecords = 100

/** Which of `producers` producers sends a flight. Neighbours go to different ones, so that all of them write every key. */
export const producerOf = (sequence: number, producers: number): number => sequence % producers

/** What one producer sends, batch by batch: the same batches whenever it is asked. */
export function batchesOf(flights: readonly NumberedFlight[], producer: number, producers: number): NumberedFlight[][] {
  const own = flights.filter(({ sequence }) => producerOf(sequence, producers) === producer)
  return Array.from({ length: Math.ceil(own.length / batchRecords) }, (_, at) =>
    own.slice(at * batchRecords, (at + 1) * batchRecords),
  )
}
