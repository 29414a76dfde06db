/**
 * A lookup by time answers with the first record whose timestamp is no less than the one asked for. Offsets only grow, so every
 * answer comes from a beginning of the log as all claims together show it: either that log's first match, or none where the match
 * lay beyond the end known before the lookup began. Records sent without a timestamp prove nothing, nor does a record that no
 * acknowledgement and no reader ever placed.
 */
import type { Anomaly, Event } from '../history.ts'
import { type Facts, type Kind, knownAt, type Log } from './facts.ts'
import { type Reports, reports, text } from './reports.ts'

type Placed = { readonly offset: number; readonly timestampMs: number | undefined; readonly event: Event }
/** `rises`: the records with a greater timestamp than all before them: the first match of any time is one of these. */
type Timeline = { readonly placed: ReadonlyMap<number, Placed>; readonly rises: readonly Placed[] }

export function checkTimes(facts: Facts): readonly Anomaly[] {
  const found = reports()
  const timelines = new Map<Log, Timeline>()
  for (const [at, event] of facts.history.entries()) {
    if (event.kind !== 'by-time') continue
    const log = facts.log(event)
    const timeline = timelines.get(log) ?? timelineOf(facts, log)
    timelines.set(log, timeline)
    checkLookup(facts, timeline, event, at, found)
  }
  return found.all()
}

function checkLookup(facts: Facts, timeline: Timeline, event: Kind<'by-time'>, at: number, found: Reports): void {
  const { timestampMs, offset } = event
  const first = firstReaching(timeline.rises, timestampMs)
  // What has left the log, sooner or later, is no match for certain.
  const match = first && first.offset < (facts.log(event).starts.at(-1)?.offset ?? 0) ? undefined : first
  const name = `the first record of ${text(event)} at or after ${timestampMs}`
  const wrong = (what: string, ...events: Event[]) =>
    found.add('by-time-wrong', event, `${name} was given as ${offset}: ${what}`, [...events, event])
  if (offset < 0) {
    const known = knownAt(facts.log(event).ends, facts.beganAfter(at))
    if (match && known && match.offset < known.offset) wrong(`it is ${match.offset}`, match.event)
  } else if (match && match.offset < offset) {
    wrong(`it is ${match.offset}`, match.event)
  } else {
    const answer = timeline.placed.get(offset)
    if (answer?.timestampMs !== undefined && answer.timestampMs < timestampMs) {
      wrong(`that one is of ${answer.timestampMs}`, answer.event)
    }
  }
}

function firstReaching(rises: readonly Placed[], timestampMs: number): Placed | undefined {
  let low = 0
  let high = rises.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((rises[middle]?.timestampMs ?? -1) >= timestampMs) high = middle
    else low = middle + 1
  }
  return rises[low]
}

function timelineOf(facts: Facts, log: Log): Timeline {
  const placed = new Map<number, Placed>()
  for (const batch of log.batches) {
    if (!batch.acked) continue
    for (const ordinal of batch.values.keys()) {
      const offset = batch.acked.baseOffset + ordinal
      placed.set(offset, { offset, timestampMs: batch.timestampMs, event: batch.attempts[0].sent })
    }
  }
  for (const event of facts.history) {
    if ((event.kind !== 'read' && event.kind !== 'final') || facts.log(event) !== log) continue
    for (const { offset, value } of event.records) {
      if (placed.has(offset)) continue
      const batch = facts.origins.get(value)?.batch
      placed.set(offset, { offset, timestampMs: batch?.timestampMs, event: batch?.attempts[0].sent ?? event })
    }
  }
  const rises: Placed[] = []
  for (const one of [...placed.values()].sort((a, b) => a.offset - b.offset)) {
    if (one.timestampMs !== undefined && one.timestampMs > (rises.at(-1)?.timestampMs ?? -1)) rises.push(one)
  }
  return { placed, rises }
}
