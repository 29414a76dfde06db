/**
 * After everything healed: every acknowledged record is in the log, all of the log can be read, appends succeed, nothing is left
 * behind. `final` sees every append that was acknowledged before it in the history, and is not judged by later ones.
 *
 * A log's start excuses a loss only where the history sets a retention, by which it is judged itself (kept.ts). A deleted topic's
 * log is not judged at its end.
 */
import type { Anomaly, Event, Value } from '../history.ts'
import type { Batch, Facts, Kind } from './facts.ts'
import { type Reports, reports, text } from './reports.ts'

export function checkFinal(facts: Facts): readonly Anomaly[] {
  const found = reports()
  for (const [at, event] of facts.history.entries()) {
    if (event.kind === 'orphans' && event.count > 0) {
      found.add('orphans', event, `${event.count} stored blobs are named by nothing`, [event])
    }
    if (event.kind === 'verified' && event.contradictions.length > 0) {
      found.add('contradictions', event, event.contradictions.slice(0, 3).join('; '), [event])
    }
    if (event.kind === 'left-behind') {
      const what = `${text(event)} was deleted, and left behind: ${event.left.slice(0, 3).join(', ')}`
      found.add('left-behind', event, what, [event])
    }
    if (event.kind !== 'final' || facts.deleted.has(event.topicId)) continue
    if (!event.complete) {
      const reached = event.records.at(-1)?.offset ?? event.logStart - 1
      found.add('unread', event, `${text(event)} ends at ${event.end} and cannot be read beyond ${reached}`, [event])
    }
    if (!event.appendable)
      found.add('append-fails-for-ever', event, `nothing can be appended to ${text(event)}`, [event])
    checkLosses(facts, event, at, found)
  }
  return found.all()
}

function checkLosses(facts: Facts, final: Kind<'final'>, at: number, found: Reports): void {
  const retained = facts.history.some((event) => event.kind === 'retention-sent' && event.topicId === final.topicId)
  const from = retained ? final.logStart : 0
  const values = new Map<number, Value>()
  for (const { offset, value } of final.records) values.set(offset, value)
  const readTo = final.complete ? Number.POSITIVE_INFINITY : (final.records.at(-1)?.offset ?? -1)
  for (const batch of facts.log(final).batches) {
    const ack = firstAckBefore(batch, at)
    if (!ack) continue
    for (const [ordinal, value] of batch.values.entries()) {
      const offset = ack.baseOffset + ordinal
      if (offset < from || offset > readTo || values.get(offset) === value) continue
      const what = `${value} was acknowledged at ${offset} of ${text(final)} and is not there`
      found.add('lost-acknowledged', batch, what, lossShownBy(batch, ack, final))
      break
    }
  }
}

const firstAckBefore = (batch: Batch, at: number): Kind<'append-acked'> | undefined => {
  for (const { ended, endedAt } of batch.attempts) if (ended?.kind === 'append-acked' && endedAt < at) return ended
  return undefined
}

const lossShownBy = (batch: Batch, ack: Kind<'append-acked'>, final: Event): readonly Event[] => {
  const attempt = batch.attempts.find(({ ended }) => ended === ack)
  return attempt ? [attempt.sent, ack, final] : [ack, final]
}
