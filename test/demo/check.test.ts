import { describe, expect, it } from 'vitest'
import { type Acknowledged, type Commit, type Delivered, type History, judge, type Session } from '../../demo/check.ts'
import { batchesOf, type NumberedFlight, producerOf, readFlights } from '../../demo/flights.ts'

const producers = 2

/** Twelve flights from two airports; by key they go to partitions 0 and 1. */
const flights: NumberedFlight[] = Array.from({ length: 12 }, (_, sequence) => {
  const origin = sequence % 3 === 0 ? 'LAX' : 'ORD'
  const flight = { date: '2001/01/01 00:00', delay: sequence, distance: 1, origin, destination: 'JFK' }
  return { sequence, key: origin, timestampMs: 978_307_200_000 + sequence, flight }
})

/** When the poll began that brought everything, unless a test says otherwise. */
const polledMs = 100

/** The log after all went well: each flight at the end of its partition, in the order of the file. */
const log: Delivered[] = []
for (const { sequence, key, timestampMs, flight } of flights) {
  const partition = key === 'LAX' ? 0 : 1
  const offset = log.filter((record) => record.partition === partition).length
  log.push({
    partition,
    offset,
    sequence,
    producer: producerOf(sequence, producers),
    key,
    timestampMs,
    flight,
    polledMs,
  })
}
const acknowledged: Acknowledged[] = log.map(({ sequence, partition, offset }) => ({ sequence, partition, offset }))

const session = (delivered: readonly Delivered[], more: Partial<Session> = {}): Session => ({
  reader: 0,
  commits: [],
  delivered,
  ...more,
})
const judged = (delivered: readonly Delivered[], more: Partial<History> = {}) =>
  judge({ flights, acknowledged, sessions: [session(delivered)], ...more })

/** The record at a place of the log, changed. */
const at = (index: number, change: Partial<Delivered> = {}): Delivered => {
  const record = log[index]
  if (!record) throw new Error(`no record ${index}`)
  return { ...record, ...change }
}
/** The log with what stands at two places exchanged: the offsets stay where they are. */
const swapped = (a: number, b: number): Delivered[] => {
  const place = ({ partition, offset }: Delivered) => ({ partition, offset })
  return log.map((record, index) => (index === a ? at(b, place(record)) : index === b ? at(a, place(record)) : record))
}
const clean = { lost: 0, doubled: 0, altered: 0, orderViolations: 0, positionsLost: 0, readTwice: 0 }

describe('the judge of the demo', () => {
  it('finds nothing where all is well', () => {
    expect(judged(log)).toEqual({ ...clean, recordsIn: 12, distinctOut: 12, examples: [] })
  })

  it('finds a lost record', () => {
    const verdict = judged(log.filter(({ sequence }) => sequence !== 7))
    // Its reader also went on behind it, where nothing was committed.
    expect(verdict).toMatchObject({ ...clean, recordsIn: 12, distinctOut: 11, lost: 1, positionsLost: 1 })
    expect(verdict.examples[0]).toBe('lost: flight 7 from ORD was never read')
  })

  it('finds a record that stands in the log twice', () => {
    const copy = at(0, { offset: 4 })
    const verdict = judged([...log, copy])
    // The second place is also not the acknowledged one.
    expect(verdict).toMatchObject({ ...clean, distinctOut: 12, doubled: 1, altered: 1 })
  })

  it('finds a batch that was acknowledged at two places, even if only one was read', () => {
    const other = { sequence: 3, partition: 0, offset: 99 }
    expect(judged(log, { acknowledged: [...acknowledged, other] })).toMatchObject({ ...clean, doubled: 1 })
    const again = acknowledged.slice(3, 5)
    expect(judged(log, { acknowledged: [...acknowledged, ...again] })).toMatchObject(clean)
  })

  it('finds two records of one producer and key in the wrong order', () => {
    const [first, second] = [1, 5] // both from ORD, by producer 1
    const delivered = swapped(first, second)
    const places = delivered.map(({ sequence, partition, offset }) => ({ sequence, partition, offset }))
    const verdict = judged(delivered, { acknowledged: places })
    expect(verdict).toMatchObject({ ...clean, orderViolations: 1 })
  })

  it('lets records of two producers under one key mix', () => {
    const delivered = swapped(1, 2) // both from ORD, one by each producer
    const places = delivered.map(({ sequence, partition, offset }) => ({ sequence, partition, offset }))
    expect(judged(delivered, { acknowledged: places })).toMatchObject(clean)
  })

  it('finds a key in two partitions', () => {
    const delivered = [...log.slice(0, -1), at(11, { partition: 0, offset: 4 })]
    const places = delivered.map(({ sequence, partition, offset }) => ({ sequence, partition, offset }))
    expect(judged(delivered, { acknowledged: places })).toMatchObject({ ...clean, orderViolations: 1 })
  })

  it('finds a reader that was given records in the wrong order', () => {
    const [first, second, ...rest] = log.filter(({ partition }) => partition === 1)
    if (!first || !second) throw new Error('too few records')
    const others = log.filter(({ partition }) => partition === 0)
    // What it was given first and third are also not where its group had committed.
    expect(judged([...others, second, first, ...rest])).toMatchObject({
      ...clean,
      orderViolations: 1,
      positionsLost: 2,
    })
  })

  for (const [what, change] of [
    ['key', { key: 'SFO' }],
    ['timestamp', { timestampMs: 0 }],
    ['value', { flight: { ...at(9).flight, delay: -1 } }],
  ] as const)
    it(`finds a record whose ${what} is not what was sent`, () => {
      const verdict = judged(log.map((record, index) => (index === 9 ? at(9, change) : record)))
      expect(verdict).toMatchObject({ ...clean, altered: 1 })
    })

  it('finds a record that nobody sent', () => {
    expect(judged([...log, at(0, { sequence: 500, offset: 4 })])).toMatchObject({ ...clean, altered: 1 })
  })
})

describe('the partition of a reader that was killed', () => {
  const partition = 1
  const own = log.filter((record) => record.partition === partition)
  const others = session(log.filter((record) => record.partition === 0))
  const known = (offset: number): Commit => ({ partition, offset, knownMs: 110 })
  const sent = (offset: number): Commit => ({ partition, offset, sentMs: 120 })
  const later = (from: number, to?: number, reader = 2, laterMs = 200) =>
    session(
      own.slice(from, to).map((record) => ({ ...record, polledMs: laterMs })),
      { reader },
    )
  const died = session(own.slice(0, 5), { reader: 1, commits: [known(3)] })
  const verdictOn = (...sessions: Session[]) => judge({ flights, acknowledged, sessions: [others, ...sessions] })

  it('is read again by another from where it was committed', () => {
    expect(verdictOn(died, later(3))).toMatchObject({ ...clean, readTwice: 2 })
  })

  it('may be read on from a commit that was on its way', () => {
    const dying = { ...died, commits: [known(3), sent(5)] }
    expect(verdictOn(dying, later(5))).toMatchObject(clean)
    expect(verdictOn(dying, later(3))).toMatchObject({ ...clean, readTwice: 2 })
  })

  it('may not fall behind what was committed', () => {
    expect(verdictOn(died, later(2))).toMatchObject({ ...clean, readTwice: 3, positionsLost: 1 })
  })

  it('may not be read on after what was committed, given or not', () => {
    expect(verdictOn(died, later(4))).toMatchObject({ ...clean, readTwice: 1, positionsLost: 1 })
    expect(verdictOn(died, later(6))).toMatchObject({ ...clean, lost: 1, positionsLost: 1 })
  })

  it('may come back to one who had it before, but only from another', () => {
    const first = { ...later(0, 3, 1, 50), commits: [known(2)] }
    const between = later(2, 4, 2, 120)
    const back = (reader: number) => ({
      ...first,
      reader,
      delivered: [...first.delivered, ...later(2, undefined, reader, 200).delivered],
    })
    expect(verdictOn(back(1), between)).toMatchObject({ ...clean, readTwice: 3 })
    expect(verdictOn(back(1))).toMatchObject({ ...clean, readTwice: 1, orderViolations: 1 })
  })

  it('may come again to a reader that went back, as it says', () => {
    expect(verdictOn({ ...died, commits: [known(3)] }, later(3, undefined, 1))).toMatchObject({
      ...clean,
      readTwice: 2,
    })
  })
})

describe('the flights', () => {
  it('are 20,000, in order of time, each in one batch of one producer', () => {
    const all = readFlights()
    expect(all).toHaveLength(20_000)
    expect(all[0]).toMatchObject({ sequence: 0, key: 'DTW', timestampMs: Date.parse('2001-01-01T00:47:00Z') })
    expect(all.every(({ timestampMs }, index) => timestampMs >= (all[index - 1]?.timestampMs ?? 0))).toBe(true)
    const sent = [0, 1, 2, 3].flatMap((producer) => batchesOf(all, producer, 4).flat())
    expect(sent.toSorted((a, b) => a.sequence - b.sequence)).toEqual(all)
  })
})
