/**
 * The start and the end of a log never go back: what a call reports is no less than any start or end that was answered to anyone
 * before the call began. Acknowledgements count (the end lies after them), and so do records and lookups by time.
 */
import type { Anomaly } from '../history.ts'
import { type Facts, knownAt } from './facts.ts'
import { reports, text } from './reports.ts'

export function checkBounds(facts: Facts): readonly Anomaly[] {
  const found = reports()
  for (const [at, event] of facts.history.entries()) {
    if (event.kind !== 'read' && event.kind !== 'bounds' && event.kind !== 'final') continue
    if (event.kind === 'final' && facts.deleted.has(event.topicId)) continue
    const log = facts.log(event)
    const [start, end] =
      event.kind === 'read'
        ? [event.logStart, event.highWatermark]
        : event.kind === 'bounds'
          ? [event.earliest, event.latest]
          : [event.logStart, event.end]
    // A read comes from one look at the log; the final log is read long enough to outgrow the end it began with.
    const last = event.kind === 'read' ? event.records.at(-1) : undefined
    const ownEnd = Math.max(start, last ? last.offset + 1 : 0)
    if (end < ownEnd) {
      const what = `the end of ${text(event)} was given as ${end}, in one answer with ${ownEnd}`
      found.add('end-went-back', event, what, [event])
    }
    const began = facts.beganAfter(at)
    const knownEnd = knownAt(log.ends, began)
    if (knownEnd && end < knownEnd.offset) {
      const what = `the end of ${text(event)} was ${end} after it had been ${knownEnd.offset}`
      found.add('end-went-back', event, what, [knownEnd.event, event])
    }
    const knownStart = knownAt(log.starts, began)
    if (knownStart && start < knownStart.offset) {
      const what = `the start of ${text(event)} was ${start} after it had been ${knownStart.offset}`
      found.add('start-went-back', event, what, [knownStart.event, event])
    }
  }
  return found.all()
}
