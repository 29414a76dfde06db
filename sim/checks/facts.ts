/**
 * What a history says, put in order once so that each check is one short pass: logs, batches, and what was known when.
 *
 * **Known before.** Events stand in the order of their answers, and a client does one call at a time, so a call began after its
 * client's previous event and not earlier. Whatever was answered to anyone up to that previous event was true before the call
 * began; what was answered later may or may not be, and proves nothing. Two calls say more precisely when they began: an append
 * began at its `append-sent` (a retry of a batch counts from the first), and `final` began after every event before it.
 */
import type { Event, History, Value, Where } from '../history.ts'

export type Kind<K extends Event['kind']> = Extract<Event, { readonly kind: K }>

/** From event number `at` on, `offset` is known to be a lower bound: ends and starts only grow. */
export type Bound = { readonly at: number; readonly offset: number; readonly event: Event }

export type Attempt = {
  readonly sent: Kind<'append-sent'>
  /** Absent where its client died with it. */
  ended?: Kind<'append-acked'> | Kind<'append-failed'> | Kind<'append-unknown'>
  endedAt: number
}

/** What one client sent as one batch, once or, idempotently, several times. */
export type Batch = {
  readonly log: Log
  readonly values: readonly Value[]
  readonly timestampMs: number | undefined
  readonly sentAt: number
  /** The greatest end known when it was first sent. */
  readonly endBefore: Bound | undefined
  readonly attempts: readonly [Attempt, ...Attempt[]]
  /** The first acknowledgement of any attempt. */
  readonly acked: Kind<'append-acked'> | undefined
}

/** Where in its batch a value was sent. */
export type Origin = { readonly batch: Batch; readonly ordinal: number }

export type Log = {
  readonly where: Where
  /** Each greater than the one before. */
  readonly ends: readonly Bound[]
  readonly starts: readonly Bound[]
  readonly batches: readonly Batch[]
}

export type Facts = {
  readonly history: History
  readonly origins: ReadonlyMap<Value, Origin>
  readonly logs: readonly Log[]
  readonly deleted: ReadonlySet<string>
  readonly attempt: (name: string) => { readonly attempt: Attempt; readonly batch: Batch }
  readonly log: (where: Where) => Log
  /** The number of the last event before which the call that event number `at` answers cannot have begun; -1 for none. */
  readonly beganAfter: (at: number) => number
}

/** The greatest bound known up to event number `at`. */
export function knownAt(bounds: readonly Bound[], at: number): Bound | undefined {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((bounds[middle]?.at ?? 0) <= at) low = middle + 1
    else high = middle
  }
  return bounds[low - 1]
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type OpenBatch = Writable<Batch> & { readonly log: OpenLog; readonly attempts: [Attempt, ...Attempt[]] }
type OpenLog = Log & { readonly ends: Bound[]; readonly starts: Bound[]; readonly batches: Batch[] }
type Open = {
  readonly topics: Map<string, OpenLog[]>
  readonly logs: OpenLog[]
  readonly origins: Map<Value, { readonly batch: OpenBatch; readonly ordinal: number }>
  readonly attempts: Map<string, { readonly attempt: Attempt; readonly batch: OpenBatch }>
}

/** @throws Error where the recorder contradicts itself: an answer to nothing sent, or a value sent as part of two batches. */
export function factsOf(history: History): Facts {
  const open: Open = { topics: new Map(), logs: [], origins: new Map(), attempts: new Map() }
  const lastOf = new Map<string, number>()
  const before = new Int32Array(history.length)
  const deleted = new Set<string>()
  for (const [at, event] of history.entries()) {
    const last = history[at - 1]
    if (event.kind === 'final') before[at] = at - 1
    else if (last && isSameCall(last, event)) before[at] = before[at - 1] ?? -1
    else before[at] = lastOf.get(event.client) ?? -1
    lastOf.set(event.client, at)
    if (event.kind === 'deleted') deleted.add(event.topicId)
    else take(open, event, at)
  }
  const attempt = (name: string) => required(open.attempts.get(name), name)
  const log = (where: Where) => logOf(open, where)
  return {
    history,
    origins: open.origins,
    logs: open.logs,
    deleted,
    attempt,
    log,
    beganAfter: (at) => before[at] ?? -1,
  }
}

/** One call about several partitions is answered by as many events, side by side. */
const isSameCall = (a: Event, b: Event): boolean =>
  a.client === b.client && a.kind === b.kind && a.atMs === b.atMs && 'topicId' in a && 'topicId' in b && !isSame(a, b)

const isSame = (a: Partial<Where>, b: Partial<Where>): boolean => a.topicId === b.topicId && a.partition === b.partition

function take(open: Open, event: Event, at: number): void {
  switch (event.kind) {
    case 'append-sent':
      send(open, event, at)
      break
    case 'append-acked':
    case 'append-failed':
    case 'append-unknown':
      answer(open, event, at)
      break
    case 'read':
    case 'final':
      hold(open, event, at, event.logStart, event.kind === 'read' ? event.highWatermark : event.end)
      hold(open, event, at, 0, (event.records.at(-1)?.offset ?? -1) + 1)
      break
    case 'bounds':
      hold(open, event, at, event.earliest, event.latest)
      break
    case 'by-time':
      hold(open, event, at, 0, event.offset + 1)
      break
  }
}

/** From now on it is known that the log starts at or after `start` and ends at or after `end`. */
function hold(open: Open, event: Event & Where, at: number, start: number, end: number): void {
  const { starts, ends } = logOf(open, event)
  raise(starts, start, event, at)
  raise(ends, end, event, at)
}

function answer(open: Open, event: NonNullable<Attempt['ended']>, at: number): void {
  const { attempt, batch } = required(open.attempts.get(event.attempt), event.attempt)
  attempt.ended = event
  attempt.endedAt = at
  if (event.kind !== 'append-acked') return
  batch.acked ??= event
  raise(batch.log.ends, event.baseOffset + batch.values.length, event, at)
}

function send(open: Open, sent: Kind<'append-sent'>, at: number): void {
  const attempt: Attempt = { sent, endedAt: -1 }
  const log = logOf(open, sent)
  const first = open.origins.get(sent.values[0] ?? '')
  if (first?.batch.log === log && String(first.batch.values) === String(sent.values)) {
    first.batch.attempts.push(attempt)
    open.attempts.set(sent.attempt, { attempt, batch: first.batch })
    return
  }
  const batch: OpenBatch = {
    log,
    values: sent.values,
    timestampMs: sent.timestampMs,
    sentAt: at,
    endBefore: log.ends.at(-1),
    attempts: [attempt],
    acked: undefined,
  }
  log.batches.push(batch)
  open.attempts.set(sent.attempt, { attempt, batch })
  for (const [ordinal, value] of sent.values.entries()) {
    if (open.origins.has(value)) throw new Error(`the workload sent ${value} as part of two batches`)
    open.origins.set(value, { batch, ordinal })
  }
}

function raise(bounds: Bound[], offset: number, event: Event, at: number): void {
  if (offset > (bounds.at(-1)?.offset ?? 0)) bounds.push({ at, offset, event })
}

function logOf(open: Open, { topicId, partition }: Where): OpenLog {
  const partitions = open.topics.get(topicId) ?? []
  open.topics.set(topicId, partitions)
  const found = partitions[partition]
  if (found) return found
  const log = { where: { topicId, partition }, ends: [], starts: [], batches: [] }
  partitions[partition] = log
  open.logs.push(log)
  return log
}

function required<T>(found: T | undefined, attempt: string): T {
  if (found === undefined) throw new Error(`the history answers attempt ${attempt}, which it never sent`)
  return found
}
