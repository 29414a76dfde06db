import fc from 'fast-check'
import { expect, test } from 'vitest'
import { check } from '../../sim/checker.ts'
import type { Event, History } from '../../sim/history.ts'
import { soundHistories } from './toy-log.ts'

test('a correct log never raises an anomaly', () => {
  fc.assert(
    fc.property(soundHistories, (events) => {
      expect(check(events)).toEqual([])
    }),
    { numRuns: 2_000 },
  )
})

/** Each spoils one place of a sound history so that no correct log can have made it; `undefined` where there is no such place. */
type Corruption = (events: History, choice: number) => History | undefined

const corruptions: Record<string, Corruption> = {
  'a record is gone from the final log': change('final', (last, choice) =>
    last.records.length === 0
      ? undefined
      : { ...last, records: last.records.toSpliced(choice % last.records.length, 1) },
  ),
  'a record is gone from the final log, and those after it closed up': change('final', (last, choice, events) => {
    const gone = placedFor(events, choice)
    if (gone === undefined) return undefined
    const rest = last.records.toSpliced(gone, 1).map(({ value }, offset) => ({ value, offset }))
    return { ...last, records: rest, end: rest.length }
  }),
  'two records of the final log are swapped': change('final', (last, choice, events) => {
    const one = placedFor(events, choice)
    const other = choice % Math.max(1, last.records.length)
    if (one === undefined || one === other) return undefined
    const values = last.records.map(({ value }) => value)
    const at = (offset: number) => values[offset === one ? other : offset === other ? one : offset] ?? ''
    return { ...last, records: last.records.map((_, offset) => ({ offset, value: at(offset) })) }
  }),
  'a record is in the final log twice': change('final', (last, choice) => {
    const again = last.records[choice % Math.max(1, last.records.length)]
    if (!again) return undefined
    return { ...last, records: [...last.records, { ...again, offset: last.end }], end: last.end + 1 }
  }),
  'the final log ends early': change('final', (last, _, events) => {
    const records = last.records.slice(0, -1)
    const wasKnown = placedFor(events, last.end - 1) === last.end - 1
    return wasKnown ? { ...last, records, end: records.length } : undefined
  }),
  'the final log cannot be read': change('final', (last) => ({ ...last, complete: false })),
  'nothing can be appended': change('final', (last) => ({ ...last, appendable: false })),
  'a read leaves a record out': change('read', (one, choice) =>
    one.records.length < 2
      ? undefined
      : { ...one, records: one.records.toSpliced(choice % (one.records.length - 1), 1) },
  ),
  'a read is empty': change('read', (one) => (one.records.length === 0 ? undefined : { ...one, records: [] })),
  'a read is out of order': change('read', (one) =>
    one.records.length < 2 ? undefined : { ...one, records: one.records.toReversed() },
  ),
  'a read returns what nobody sent': change('read', (one) => {
    const [first, ...rest] = one.records
    return first && { ...one, records: [{ ...first, value: 'stranger' }, ...rest] }
  }),
  'an end is below what its client knew': change('bounds', (one, choice, events) => {
    const known = endKnownTo(one, events)
    return known === 0 ? undefined : { ...one, latest: choice % known }
  }),
  'an end is ahead of the log': change('bounds', (one, choice) => ({ ...one, latest: one.latest + 1_000 + choice })),
  'an acknowledgement gives another offset': change('append-acked', (one, choice) => ({
    ...one,
    baseOffset: one.baseOffset + 1 + (choice % 5),
  })),
  'an acknowledgement was a failure': change('append-acked', (one, _, events) => {
    const again = events.some((event) => event.kind === 'append-unknown' && one.attempt === `${event.attempt}, again`)
    return again ? undefined : { ...one, kind: 'append-failed', error: 'NO' }
  }),
  'a lookup finds the record after the first': change('by-time', (one) =>
    one.offset < 0 ? undefined : { ...one, offset: one.offset + 1 },
  ),
  'a committed offset is forgotten': change('committed', (one, _, events) => {
    return committedBefore(one, events) > 0 ? { ...one, offset: null } : undefined
  }),
  'a committed offset is an earlier one': change('committed', (one, choice, events) => {
    const lesser = events.flatMap((event) =>
      event.kind === 'commit-sent' && event.offset < committedBefore(one, events) ? [event.offset] : [],
    )
    const offset = lesser[choice % Math.max(1, lesser.length)]
    return offset === undefined ? undefined : { ...one, offset }
  }),
  'a committed offset is made up': change('committed', (one) => ({ ...one, offset: 1_000_000 })),
}

test.each(Object.entries(corruptions))('%s: caught in every history where it is wrong', (_, corrupt) => {
  let caught = 0
  fc.assert(
    fc.property(soundHistories, fc.nat(1_000), (events, choice) => {
      const spoilt = corrupt(events, choice)
      if (!spoilt) return
      expect(check(spoilt)).not.toEqual([])
      caught++
    }),
    { numRuns: 500 },
  )
  expect(caught).toBeGreaterThan(20)
})

/** Changes one event of a kind: the first from a chosen place on that can be changed so. */
function change<K extends Event['kind']>(
  kind: K,
  how: (event: Extract<Event, { kind: K }>, choice: number, events: History) => Event | undefined,
): Corruption {
  const isIt = (event: Event): event is Extract<Event, { kind: K }> => event.kind === kind
  return (events, choice) => {
    const all = events.filter(isIt)
    const first = choice % Math.max(1, all.length)
    for (const one of [...all.slice(first), ...all.slice(0, first)]) {
      const changed = how(one, choice, events)
      if (changed) return events.map((event) => (event === one ? changed : event))
    }
    return undefined
  }
}

/** An offset whose value an acknowledgement or a read has settled. */
function placedFor(events: History, choice: number): number | undefined {
  const counts = new Map(
    events.flatMap((event) => (event.kind === 'append-sent' ? [[event.attempt, event.values.length]] : [])),
  )
  const placed = new Set<number>()
  for (const event of events) {
    if (event.kind === 'append-acked') {
      for (let next = 0; next < (counts.get(event.attempt) ?? 0); next++) placed.add(event.baseOffset + next)
    }
    if (event.kind === 'read') for (const { offset } of event.records) placed.add(offset)
  }
  return placed.has(choice) ? choice : [...placed][choice % Math.max(1, placed.size)]
}

/** The offset that this event's client had been told of before, 0 for none. */
function committedBefore(one: Event, events: History): number {
  const own = events.slice(0, events.indexOf(one)).filter(({ client }) => client === one.client)
  return Math.max(0, ...own.map((event) => (event.kind === 'committed' ? (event.offset ?? 0) : 0)))
}

/** The end that this event's client had been told of itself. */
function endKnownTo(one: Event, events: History): number {
  const own = events.slice(0, events.indexOf(one)).filter(({ client }) => client === one.client)
  return Math.max(
    0,
    ...own.map((event) => (event.kind === 'read' ? event.highWatermark : event.kind === 'bounds' ? event.latest : 0)),
  )
}
