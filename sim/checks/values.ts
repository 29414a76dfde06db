/**
 * Where each value lies: at one offset, alone there, where its acknowledgement says, in the partition it was sent to, after what
 * was in the log before it was sent; and nowhere if it failed.
 *
 * Acknowledgements, reads and the final log are all claims that a value lies at an offset; any two must agree. A batch of which
 * every attempt failed must never be seen; one that also had an unknown or unanswered attempt may be.
 */
import type { Anomaly, Event, Value } from '../history.ts'
import type { Batch, Facts, Kind, Log, Origin } from './facts.ts'
import { type Reports, reports, text } from './reports.ts'

/** What was claimed first at an offset; `read`: by a reader too, so that the same sight again has nothing new to tell. */
type Held = { readonly value: Value; readonly event: Event; read: boolean }
/** `values`: what each offset holds. `offsets`: where readers saw each value first. */
type Seen = {
  readonly values: ReadonlyMap<Log, Map<number, Held>>
  readonly offsets: Map<Value, { readonly offset: number; readonly event: Event }>
}
type Claim = { readonly value: Value; readonly offset: number; readonly event: Event; readonly log: Log }

export function checkValues(facts: Facts): readonly Anomaly[] {
  const found = reports()
  const seen: Seen = { values: new Map(facts.logs.map((log) => [log, new Map()])), offsets: new Map() }
  for (const [at, event] of facts.history.entries()) {
    if (event.kind === 'append-acked') checkAck(facts, seen, event, found)
    if (event.kind !== 'read' && event.kind !== 'final') continue
    const log = facts.log(event)
    const values = seen.values.get(log)
    for (const { offset, value } of event.records) {
      const held = values?.get(offset)
      if (held?.read && held.value === value) continue
      const claim = { value, offset, event, log }
      checkAlone(seen, claim, found)
      const origin = facts.origins.get(value)
      if (origin?.batch.log === log) checkSight(seen, claim, origin, at, found)
      else checkStranger(claim, origin?.batch, found)
    }
  }
  return found.all()
}

function checkAck(facts: Facts, seen: Seen, event: Kind<'append-acked'>, found: Reports): void {
  const { batch } = facts.attempt(event.attempt)
  for (const [ordinal, value] of batch.values.entries()) {
    checkAlone(seen, { value, offset: event.baseOffset + ordinal, event, log: batch.log }, found)
  }
  const first = batch.acked
  if (first && first.baseOffset !== event.baseOffset) {
    found.add(
      'duplicate',
      batch,
      `${batch.values[0]} was acknowledged at ${first.baseOffset} and at ${event.baseOffset}`,
      [first, event],
    )
  }
  checkOrder({ value: batch.values[0] ?? '', offset: event.baseOffset, event, log: batch.log }, batch, found)
}

function checkAlone(seen: Seen, { value, offset, event, log }: Claim, found: Reports): void {
  const values = seen.values.get(log)
  const there = values?.get(offset)
  const read = event.kind !== 'append-acked'
  if (!there) values?.set(offset, { value, event, read })
  else if (there.value === value) there.read ||= read
  else {
    const what = `offset ${offset} of ${text(log.where)} holds ${there.value} and ${value}`
    found.add('two-values-at-one-offset', values, what, [there.event, event])
  }
}

function checkStranger({ value, offset, event, log }: Claim, sent: Batch | undefined, found: Reports): void {
  const by = sent ? `was sent to ${text(sent.log.where)}` : 'was sent by nobody'
  const what = `${value}, at offset ${offset} of ${text(log.where)}, ${by}`
  found.add('never-sent', value, what, sent ? [firstSent(sent), event] : [event])
}

function checkSight(seen: Seen, claim: Claim, { batch, ordinal }: Origin, at: number, found: Reports): void {
  const { value, offset, event } = claim
  const sent = firstSent(batch)
  if (at < batch.sentAt) found.add('visible-before-sent', batch, `${value} was seen before it was sent`, [event, sent])
  const failures = batch.attempts.flatMap(({ ended }) => (ended?.kind === 'append-failed' ? [ended] : []))
  if (failures.length === batch.attempts.length) {
    const what = `${value} is at offset ${offset}, though it failed: ${failures[0]?.error}`
    found.add('visible-after-definite-failure', batch, what, [
      ...batch.attempts.map((one) => one.sent),
      ...failures,
      event,
    ])
  }
  checkOrder(claim, batch, found)
  const { acked } = batch
  if (acked && acked.baseOffset + ordinal !== offset) {
    const what = `${value} was acknowledged at ${acked.baseOffset + ordinal} and seen at ${offset}`
    found.add('acked-elsewhere', batch, what, [acked, event])
  }
  const before = seen.offsets.get(value)
  if (!before) seen.offsets.set(value, { offset, event })
  else if (before.offset !== offset) {
    const name = acked ? 'duplicate' : 'unknown-seen-twice'
    const events = before.event === event ? [event] : [before.event, event]
    found.add(name, batch, `${value} was seen at ${before.offset} and at ${offset}`, acked ? events : [sent, ...events])
  }
}

/** What is sent after an end was known lies at or beyond that end: an acknowledgement by anyone orders all later appends. */
function checkOrder({ value, offset, event }: Claim, batch: Batch, found: Reports): void {
  const bound = batch.endBefore
  if (!bound || offset >= bound.offset) return
  const what = `${value} lies at ${offset}, though the log had reached ${bound.offset} before it was sent`
  found.add('order-of-acks', batch, what, [bound.event, firstSent(batch), event])
}

const firstSent = (batch: Batch): Event => batch.attempts[0].sent
