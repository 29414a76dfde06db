/**
 * A log begins only behind records that were over by a retention that held at some moment. One that was asked for holds, for all that
 * a history can tell, from when it was asked for until one that was asked for later has been acknowledged.
 */
import type { Anomaly, Event } from '../history.ts'
import type { Batch, Facts, Kind } from './facts.ts'
import { reports, text } from './reports.ts'

/** Clocks may be this far from the one that events are told by. */
const apartMs = 30_000

type Held = { readonly ms: number; readonly fromMs: number; untilMs: number; readonly event: Event }

export function checkKept(facts: Facts): readonly Anomaly[] {
  const held = settingsOf(facts)
  const found = reports()
  for (const log of facts.logs) {
    const settings = held.get(log.where.topicId)
    if (!settings || facts.deleted.has(log.where.topicId)) continue
    const acked = log.batches.filter((batch) => batch.acked)
    for (const { offset: start, event } of log.starts) {
      const lost = acked.find((batch) => lastOf(batch) < start && !mayBeGone(settings, batch, event.atMs))
      if (!lost) continue
      const what = `${text(log.where)} began at ${start} when ${lost.values[0]} at ${lost.acked?.baseOffset} was still to be kept`
      found.add('lost-kept', lost, what, [lost.attempts[0].sent, ...settings.map((one) => one.event), event])
    }
  }
  return found.all()
}

const lastOf = ({ acked, values }: Batch): number => (acked?.baseOffset ?? 0) + values.length - 1

const mayBeGone = (settings: readonly Held[], { timestampMs = 0 }: Batch, nowMs: number): boolean =>
  settings.some(({ ms, fromMs, untilMs }) => fromMs <= nowMs && timestampMs + ms < Math.min(nowMs, untilMs) + apartMs)

function settingsOf({ history }: Facts): ReadonlyMap<string, Held[]> {
  const held = new Map<string, Held[]>()
  const asked = new Map<string, { readonly event: Kind<'retention-sent'>; readonly before: number }>()
  for (const event of history) {
    if (event.kind === 'retention-sent') {
      const settings = held.get(event.topicId) ?? []
      held.set(event.topicId, settings)
      asked.set(event.attempt, { event, before: settings.length })
      settings.push({ ms: event.ms, fromMs: event.atMs, untilMs: Number.POSITIVE_INFINITY, event })
    }
    if (event.kind !== 'retention-acked') continue
    const sent = asked.get(event.attempt)
    if (!sent) throw new Error(`the history answers attempt ${event.attempt}, which it never sent`)
    for (const one of (held.get(sent.event.topicId) ?? []).slice(0, sent.before)) {
      one.untilMs = Math.min(one.untilMs, event.atMs)
    }
  }
  return held
}
