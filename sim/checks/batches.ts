/**
 * A batch is one: readers see it whole, side by side and in the order sent. A read may begin in the middle of a batch (it was
 * asked to) and end there (a small answer), but no reported end of the log may lie inside of one.
 */
import type { Anomaly, Event, Value } from '../history.ts'
import type { Batch, Facts, Kind, Log, Origin } from './facts.ts'
import { type Reports, reports, text } from './reports.ts'

type Base = { readonly base: number; readonly event: Event }
type Bases = {
  readonly of: Map<Batch, Base>
  /** Which batch goes on at an offset, having begun before it. */
  readonly inside: ReadonlyMap<Log, Map<number, Batch>>
  /** What was looked at already: most records are read many times. */
  readonly known: ReadonlyMap<Log, Map<number, { readonly value: Value; readonly origin: Origin | undefined }>>
}

export function checkBatches(facts: Facts): readonly Anomaly[] {
  const found = reports()
  const perLog = <T>() => new Map(facts.logs.map((log) => [log, new Map<number, T>()]))
  const bases: Bases = { of: new Map(), inside: perLog(), known: perLog() }
  for (const event of facts.history) {
    if (event.kind !== 'read' && event.kind !== 'final') continue
    let before: Origin | undefined
    let isFirst = true
    for (const { offset, value } of event.records) {
      const origin = originOf(facts, bases, event, offset, value, found)
      if (!isFirst) checkNeighbours(before, origin, event, found)
      isFirst = false
      before = origin
    }
    checkLast(before, event, found)
  }
  for (const event of facts.history) {
    if (event.kind === 'bounds') checkEnd(facts.log(event), event, event.latest, bases, found)
    if (event.kind === 'read') checkEnd(facts.log(event), event, event.highWatermark, bases, found)
  }
  return found.all()
}

function originOf(
  facts: Facts,
  bases: Bases,
  event: Kind<'read'> | Kind<'final'>,
  offset: number,
  value: Value,
  found: Reports,
): Origin | undefined {
  const log = facts.log(event)
  const known = bases.known.get(log)
  const there = known?.get(offset)
  if (there?.value === value) return there.origin
  const origin = facts.origins.get(value)
  known?.set(offset, { value, origin })
  if (origin?.batch.log === log) checkBase(bases, origin, offset, event, found)
  return origin
}

function checkNeighbours(left: Origin | undefined, right: Origin | undefined, event: Event, found: Reports): void {
  // Their order follows from their offsets.
  if (left && left.batch === right?.batch) return
  if (left && left.ordinal < left.batch.values.length - 1) torn(left.batch, 'is cut short', [event], found)
  if (right && right.ordinal > 0) torn(right.batch, 'lacks its beginning', [event], found)
}

function checkBase(bases: Bases, { batch, ordinal }: Origin, offset: number, event: Event, found: Reports): void {
  const base = offset - ordinal
  const known = bases.of.get(batch)
  if (base < 0) torn(batch, `would begin at ${base}`, [event], found)
  else if (!known) {
    bases.of.set(batch, { base, event })
    const inside = bases.inside.get(batch.log)
    for (let next = 1; next < batch.values.length; next++) inside?.set(base + next, batch)
  } else if (known.base !== base) {
    torn(batch, `begins at ${known.base} and at ${base}`, known.event === event ? [event] : [known.event, event], found)
  }
}

/** The rest of the last batch must be there, beyond the answer but before the end. */
function checkLast(last: Origin | undefined, event: Kind<'read'> | Kind<'final'>, found: Reports): void {
  const record = event.records.at(-1)
  if (!last || !record || (event.kind === 'final' && !event.complete)) return
  const end = event.kind === 'read' ? event.highWatermark : event.end
  const rest = last.batch.values.length - 1 - last.ordinal
  if (rest > 0 && record.offset + rest >= end) torn(last.batch, `ends beyond the end ${end}`, [event], found)
}

function checkEnd(log: Log, event: Event, end: number, bases: Bases, found: Reports): void {
  const batch = bases.inside.get(log)?.get(end)
  const seen = batch && bases.of.get(batch)
  if (!seen) return
  const events = seen.event === event ? [event] : [seen.event, event]
  torn(batch, `holds the end ${end} of ${text(log.where)} inside`, events, found)
}

function torn(batch: Batch, how: string, events: readonly Event[], found: Reports): void {
  found.add('torn-batch', batch, `the batch ${batch.values.join(', ')} ${how}`, [batch.attempts[0].sent, ...events])
}
