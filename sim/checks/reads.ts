/**
 * A read returns records from the offset asked for on, one after the other, as long as nothing compacts; it is empty only where
 * the log ends there; it fails only where the log does not hold the offset.
 *
 * A failed read is judged where its offset lies between every start ever reported and the end known before the read began, in a
 * topic that nobody deletes.
 */
import type { Anomaly } from '../history.ts'
import { type Facts, type Kind, knownAt } from './facts.ts'
import { type Reports, reports, text } from './reports.ts'

export function checkReads(facts: Facts): readonly Anomaly[] {
  const found = reports()
  for (const [at, event] of facts.history.entries()) {
    if (event.kind === 'read-failed') checkFailure(facts, event, at, found)
    if (event.kind === 'read' && event.records.length === 0) checkEmpty(facts, event, at, found)
    if (event.kind === 'read' || event.kind === 'final') checkOrder(event, found)
  }
  return found.all()
}

function checkOrder(event: Kind<'read'> | Kind<'final'>, found: Reports): void {
  let next = event.kind === 'read' ? event.from : event.logStart
  const odd = event.records.findIndex(({ offset }) => offset !== next++)
  const record = event.records[odd]
  if (record) {
    const due = next - 1
    const gap = event.kind === 'read' && odd === 0 ? 'skipped-read' : 'offsets-gap'
    const what = `${text(event)}: offset ${record.offset} was read where ${due} was due`
    found.add(record.offset < due ? 'out-of-order-read' : gap, event, what, [event])
  } else if (event.kind === 'final' && event.complete && next < event.end) {
    found.add('offsets-gap', event, `${text(event)} ends at ${event.end}, but its records at ${next}`, [event])
  }
}

function checkEmpty(facts: Facts, event: Kind<'read'>, at: number, found: Reports): void {
  const known = knownAt(facts.log(event).ends, facts.beganAfter(at))
  if (event.from < event.highWatermark) {
    const what = `nothing was read at ${event.from} of ${text(event)}, which ends at ${event.highWatermark}`
    found.add('skipped-read', event, what, [event])
  } else if (known && event.from < known.offset) {
    const what = `nothing was read at ${event.from} of ${text(event)}, which had reached ${known.offset}`
    found.add('skipped-read', event, what, [known.event, event])
  }
}

function checkFailure(facts: Facts, event: Kind<'read-failed'>, at: number, found: Reports): void {
  if (facts.deleted.has(event.topicId)) return
  const { starts, ends } = facts.log(event)
  const known = knownAt(ends, facts.beganAfter(at))
  if (event.from < (starts.at(-1)?.offset ?? 0) || event.from > (known?.offset ?? 0)) return
  const what = `offset ${event.from} of ${text(event)} is in the log and cannot be read: ${event.error}`
  found.add('read-failed', event, what, known ? [known.event, event] : [event])
}
