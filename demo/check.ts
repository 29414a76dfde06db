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
  /** When the poll began that brought it. */
  readonly polledMs: number
}

/** A next offset to read, as it was sent to be committed, or as the group was known to have it committed at some moment. */
export type Commit = Place & ({ readonly sentMs: number } | { readonly knownMs: number })

/** One run of one reader, from its start, or from where it went back after a lost answer, to its end, its death or the next such. */
export type Session = {
  readonly reader: number
  /** In the order in which they were given. */
  readonly delivered: readonly Delivered[]
  readonly commits: readonly Commit[]
}

export type History = {
  readonly flights: readonly NumberedFlight[]
  readonly acknowledged: readonly Acknowledged[]
  /** All of them members of one group. */
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
  /** Times that a partition was not read on where its group had committed. */
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
    orderViolations: [...orderInLog(read), ...orderAsRead(history.sessions)],
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

/** Where a reader began in a partition, or did not go on with the offset after the last one it was given of it. */
type Start = {
  readonly session: Session
  readonly record: Delivered
  /** What it was given of the partition before, if anything. */
  readonly before: Delivered | undefined
}

function startsOf(session: Session): Start[] {
  const latest = new Map<number, Delivered>()
  return session.delivered.flatMap((record) => {
    const before = latest.get(record.partition)
    latest.set(record.partition, record)
    return before && record.offset === before.offset + 1 ? [] : [{ session, record, before }]
  })
}

/** A reader goes back in a partition only where another one has had it in between. */
function orderAsRead(sessions: readonly Session[]): string[] {
  return sessions.flatMap(startsOf).flatMap(({ session, record, before }) => {
    if (!before || record.offset > before.offset) return []
    const hadByAnother = sessions.some(
      ({ reader, delivered }) =>
        reader !== session.reader &&
        delivered.some(
          ({ partition, polledMs }) =>
            partition === record.partition && polledMs >= before.polledMs && polledMs <= record.polledMs,
        ),
    )
    if (hadByAnother) return []
    return [`order: reader ${session.reader} was given ${placeText(record)} (${record.key}) after ${placeText(before)}`]
  })
}

/**
 * Whoever begins with a partition begins where the group has committed: at what was known to be committed before, or at what was on
 * its way to be. What a reader was given and had not committed comes again.
 */
function positionsLost(sessions: readonly Session[]): string[] {
  const commits = sessions.flatMap((session) => session.commits)
  return sessions.flatMap(startsOf).flatMap(({ session, record }) => {
    const { partition, offset, polledMs } = record
    const own = commits.filter((commit) => commit.partition === partition)
    const known = greatest(own.filter((commit) => 'knownMs' in commit && commit.knownMs < polledMs))
    const sent = greatest(own.filter((commit) => !('sentMs' in commit) || commit.sentMs <= polledMs))
    if (offset >= Math.max(known, 0) && offset <= Math.max(sent, 0)) return []
    return [
      `position: reader ${session.reader} began at ${placeText(record)}, where ${known} was known to be committed and ${sent} was sent`,
    ]
  })
}

const greatest = (places: readonly Place[]): number => places.reduce((max, { offset }) => Math.max(max, offset), -1)
