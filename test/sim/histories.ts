/** Hand-made histories in few words: events of clients `a`, `b`, … in one partition, a millisecond apart. */
import type { Event, History } from '../../sim/history.ts'

export const where = { topicId: 't', partition: 0 }

/** An event without what every event has. */
export type Told = Event extends infer E ? (E extends Event ? Omit<E, 'atMs' | 'client'> : never) : never
export type Step = readonly [client: string, event: Told]

export const history = (...steps: readonly Step[]): History =>
  // Putting back the two fields that `Told` leaves out gives an event again.
  steps.map(([client, event], at) => ({ atMs: at, client, ...event }) as Event)

export const from = (base: number, values: string): { offset: number; value: string }[] =>
  values === '' ? [] : values.split(' ').map((value, at) => ({ offset: base + at, value }))

/** `values`: parted by spaces; the first one names the attempt. */
export const sent = (
  client: string,
  values: string,
  more: Partial<Extract<Event, { kind: 'append-sent' }>> = {},
): Step => {
  const list = values.split(' ')
  return [client, { kind: 'append-sent', attempt: list[0] ?? '', values: list, ...where, ...more }]
}
export const acked = (client: string, attempt: string, baseOffset: number): Step => [
  client,
  { kind: 'append-acked', attempt, baseOffset },
]
export const failed = (client: string, attempt: string): Step => [
  client,
  { kind: 'append-failed', attempt, error: 'NOT_LEADER' },
]
export const unknown = (client: string, attempt: string): Step => [client, { kind: 'append-unknown', attempt }]
export const read = (
  client: string,
  at: number,
  values: string,
  highWatermark = at + from(0, values).length,
  logStart = 0,
): Step => [client, { kind: 'read', from: at, records: from(at, values), highWatermark, logStart, ...where }]
export const bounds = (client: string, earliest: number, latest: number): Step => [
  client,
  { kind: 'bounds', earliest, latest, ...where },
]
export const byTime = (client: string, timestampMs: number, offset: number): Step => [
  client,
  { kind: 'by-time', timestampMs, offset, ...where },
]
export const final = (values: string, more: Partial<Extract<Event, { kind: 'final' }>> = {}): Step => {
  const records = from(0, values)
  return [
    'last',
    { kind: 'final', records, logStart: 0, end: records.length, complete: true, appendable: true, ...where, ...more },
  ]
}
export const commit = (client: string, offset: number, attempt = `c${offset}`): Step => [
  client,
  { kind: 'commit-sent', attempt, group: 'g', offset, ...where },
]
export const commitAcked = (client: string, attempt: string): Step => [client, { kind: 'commit-acked', attempt }]
export const committed = (client: string, offset: number | null): Step => [
  client,
  { kind: 'committed', group: 'g', offset, ...where },
]
export const deleted = (client: string): Step => [client, { kind: 'deleted', topicId: 't' }]
export const readFailed = (client: string, at: number): Step => [
  client,
  { kind: 'read-failed', from: at, error: 'OFFSET_OUT_OF_RANGE', ...where },
]
