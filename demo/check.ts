/** Judges what happened: what was sent and acknowledged, and what the readers were given, against what a log promises. */
import type { Flight, NumberedFlight } from './flights.ts'

export type Place = { readonly partition: number; readonly offset: number }

/** The log's word that it has a flight, and where. */
export type Acknowledged = Place & { readonly sequence: number }

/** A record as a reader was given it. */
export type Delivered = Place & {
  readonly sequence: number
  readonly producer: number
  readonly key: string | null
  readonly timestampMs: number
  readonly flight: Flight
}

/** One run of one reader, from its start to its end or death. Offsets of `positions` and `commits` are the next ones to read. */
export type Session = {
  readonly reader: number
  /** The committed positions that it found. */
  readonly positions: readonly Place[]
  /** In the order in which they were given. */
  readonly delivered: readonly Delivered[]
  /** Those that were acknowledged, in order. */
  readonly commits: readonly Place[]
}

export type History = {
  readonly flights: readonly NumberedFlight[]
  readonly acknowledged: readonly Acknowledged[]
  /** Of one reader: in the order in which they ran. */
  readonly sessions: readonly Session[]
}

/** Counts; everything but the first three has to be 0. */
export type Verdict = {
  readonly recordsIn: number
  readonly distinctOut: number
  /** The same record at the same offset again: allowed, between a crash and the last commit before it. */
  readonly readTwice: number
  readonly lost: number
  /** Flights at two places in the log, or acknowledged at two. */
  readonly doubled: number
  /** Read with another key, timestamp or value than was sent, or elsewhere than was acknowledged. */
  readonly altered: number
  readonly orderViolations: number
  /** Partitions that a reader did not resume where it had committed. */
  readonly positionsLost: number
  /** A few words about some of the faults. */
  readonly examples: readonly string[]
}

const examplesMax = 10

export function judge(history: History): Verdict {
  const delivered = history.sessions.flatMap((session) => session.delivered)
  const read = distinctPlaces(delivered)
  const faults = {
    lost: lost(history.flights, read),
    doubled: doubled(history.acknowledged, read),
    altered: altered(history, read),
    orderViolations: [...orderInLog(read), ...history.sessions.flatMap(orderAsRead)],
    positionsLost: positionsLost(history.sessions),
  }
  return {
    recordsIn: new Set(history.acknowledged.map(({ sequence }) => sequence)).size,
    distinctOut: new Set(read.map(({ sequence }) => sequence)).size,
    readTwice: delivered.length - read.length,
    lost: faults.lost.length,
    doubled: faults.doubled.length,
    altered: faults.altered.length,
    orderViolations: faults.orderViolations.length,
    positionsLost: faults.positionsLost.length,
    examples: Object.values(faults).flatMap((texts) => texts.slice(0, examplesMax)),
  }
}

const placeText = ({ partition, offset }: Place): string => `${partition}@${offset}`

/** What was read, each place once, in order of partitions and offsets. */
function distinctPlaces(delivered: readonly Delivered[]): Delivered[] {
  const byPlace = new Map(delivered.map((record) => [placeText(record), record]))
  return [...byPlace.values()].sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}

function lost(flights: readonly NumberedFlight[], read: readonly Delivered[]): string[] {
  const seen = new Set(read.map(({ sequence }) => sequence))
  return flights
    .filter(({ sequence }) => !seen.has(sequence))
    .map(({ sequence, key }) => `lost: flight ${sequence} from ${key} was never read`)
}

function doubled(acknowledged: readonly Acknowledged[], read: readonly Delivered[]): string[] {
  const found = new Map<number, string>()
  for (const places of [acknowledged, read]) {
    const first = new Map<number, string>()
    for (const { sequence, ...place } of places) {
      const before = first.get(sequence)
      if (before === undefined) first.set(sequence, placeText(place))
      else if (before !== placeText(place)) {
        found.set(sequence, `doubled: flight ${sequence} stands at ${before} and at ${placeText(place)}`)
      }
    }
  }
  return [...found.values()]
}

function altered({ flights, acknowledged }: History, read: readonly Delivered[]): string[] {
  const sent = new Map(flights.map((flight) => [flight.sequence, flight]))
  const places = new Map<number, string[]>()
  for (const { sequence, ...place } of acknowledged) {
    places.set(sequence, [...(places.get(sequence) ?? []), placeText(place)])
  }
  return read.flatMap((record) => {
    const flight = sent.get(record.sequence)
    const reason = !flight
      ? 'was never sent'
      : places.get(record.sequence)?.includes(placeText(record)) === false
        ? 'stands elsewhere than was acknowledged'
        : !isSame(record, flight) && 'is not what was sent'
    return reason ? [`altered: flight ${record.sequence} at ${placeText(record)} ${reason}`] : []
  })
}

/** The log keeps a value's text, so the order of its fields has to be the same as well. */
const isSame = (record: Delivered, { key, timestampMs, flight }: NumberedFlight): boolean =>
  record.key === key && record.timestampMs === timestampMs && JSON.stringify(record.flight) === JSON.stringify(flight)

/**
 * All records of a key are in one partition, and in it what one producer sent under that key stands in the order in which it
 * was sent. A copy of what came before is doubled, not out of order.
 */
function orderInLog(read: readonly Delivered[]): string[] {
  const homeOf = new Map<string | null, Set<number>>()
  const latest = new Map<string, number>()
  const seen = new Set<number>()
  return read.flatMap((record) => {
    const { key, producer, partition, sequence } = record
    const homes = homeOf.get(key) ?? new Set()
    const isAway = homes.size > 0 && !homes.has(partition)
    homeOf.set(key, homes.add(partition))
    const own = `${key} ${producer} ${partition}`
    const before = latest.get(own) ?? -1
    latest.set(own, Math.max(before, sequence))
    const isCopy = seen.has(sequence)
    seen.add(sequence)
    if (isCopy) return []
    if (isAway) return [`order: ${key} is in partitions ${[...homes].join(' and ')}`]
    if (sequence > before) return []
    return [`order: producer ${producer} sent flight ${before} from ${key} after ${sequence}, which stands behind it`]
  })
}

/** A reader is given each partition's records in the order of their offsets. */
function orderAsRead({ reader, delivered }: Session): string[] {
  const latest = new Map<number, number>()
  return delivered.flatMap(({ partition, offset, key }) => {
    const before = latest.get(partition) ?? -1
    latest.set(partition, Math.max(before, offset))
    if (offset > before) return []
    return [`order: reader ${reader} was given ${partition}@${offset} (${key}) after ${partition}@${before}`]
  })
}

/**
 * A reader that comes back finds at least what it was told is committed, and at most what was handed out before, and its first
 * record is the one at that position.
 */
function positionsLost(sessions: readonly Session[]): string[] {
  return sessions.flatMap((session, at) => {
    const earlier = sessions.slice(0, at).filter(({ reader }) => reader === session.reader)
    return session.positions.flatMap(({ partition, offset }) => {
      const inPartition = (place: Place) => place.partition === partition
      const committed = greatest(earlier.flatMap(({ commits }) => commits.filter(inPartition)))
      const handedOut = greatest(earlier.flatMap(({ delivered }) => delivered.filter(inPartition))) + 1
      const first = session.delivered.find(inPartition)?.offset ?? offset
      if (offset >= Math.max(committed, 0) && offset <= handedOut && first === offset) return []
      const place = `reader ${session.reader} came back to partition ${partition} at ${offset}, read from ${first},`
      return [`position: ${place} had committed ${committed} and been given all before ${handedOut}`]
    })
  })
}

const greatest = (places: readonly Place[]): number => places.reduce((max, { offset }) => Math.max(max, offset), -1)
