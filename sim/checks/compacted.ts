/**
 * A compacted log holds the newest record of every key, at every moment: whoever reads it from its start to its end finds for each key a
 * record no older than the newest that was acknowledged before the read began. Only a tombstone may be missing, once it is old enough, and
 * then nothing older of its key is there.
 */
import type { Anomaly } from '../history.ts'
import type { Facts, Kind } from './facts.ts'
import { type Reports, reports, text } from './reports.ts'

/** Clocks may be this far from the one that events are told by. */
const apartMs = 30_000
/** A reader that was quicker saw what stood there together, but for what a server remembers of the index (5 minutes). */
const quickMs = 5 * 60_000

type Write = { readonly sent: Kind<'keyed-sent'>; acked?: Kind<'keyed-acked'>; ackedAt: number }

export function checkCompacted(facts: Facts): readonly Anomaly[] {
  const found = reports()
  const writes = new Map<string, Write>()
  const byKey = new Map<string, Write[]>()
  let tombstoneMs = 0
  for (const [at, event] of facts.history.entries()) {
    if (event.kind === 'keyed-topic') tombstoneMs = event.tombstoneMs
    if (event.kind === 'keyed-sent') {
      const write: Write = { sent: event, ackedAt: Number.POSITIVE_INFINITY }
      writes.set(event.attempt, write)
      byKey.set(event.key, [...(byKey.get(event.key) ?? []), write])
    }
    if (event.kind === 'keyed-acked') {
      const write = writes.get(event.attempt)
      if (!write) throw new Error(`the history answers attempt ${event.attempt}, which it never sent`)
      write.acked = event
      write.ackedAt = at
    }
    if (event.kind === 'keyed-stuck') {
      found.add('unread', event, `${text(event)} ends at ${event.end} and cannot be read beyond ${event.at}`, [event])
    }
    if (event.kind === 'keyed-scan') checkScan(event, byKey, tombstoneMs, found)
  }
  return found.all()
}

function checkScan(
  scan: Kind<'keyed-scan'>,
  byKey: ReadonlyMap<string, readonly Write[]>,
  tombstoneMs: number,
  found: Reports,
): void {
  let before = -1
  const newest = new Map<string, number>()
  const offsets = new Map<string, number>()
  for (const { offset, key, value } of scan.records) {
    if (offset <= before) found.add('out-of-order-read', scan, `${offset} was read after ${before}`, [scan])
    before = offset
    newest.set(key, offset)
    if (value !== null) offsets.set(value, offset)
  }
  for (const [key, writes] of byKey) {
    const ours = writes.filter(({ sent }) => sent.partition === scan.partition && sent.topicId === scan.topicId)
    for (const { sent, acked } of ours) {
      const seen = sent.value === null ? undefined : offsets.get(sent.value)
      if (!acked || seen === undefined || seen === acked.offset) continue
      found.add('acked-elsewhere', sent, `${sent.value} is at ${seen}, not at ${acked.offset}`, [sent, acked, scan])
    }
    checkKey(scan, key, ours, newest.get(key) ?? -1, tombstoneMs, found)
  }
}

function checkKey(
  scan: Kind<'keyed-scan'>,
  key: string,
  writes: readonly Write[],
  seen: number,
  tombstoneMs: number,
  found: Reports,
): void {
  const known = writes.filter(({ ackedAt }) => ackedAt < scan.beganAt)
  const last = known.reduce<Write | undefined>(
    (best, one) => ((one.acked?.offset ?? -1) > (best?.acked?.offset ?? -1) ? one : best),
    undefined,
  )
  if (!last?.acked || seen >= last.acked.offset) return
  const due = last.acked.offset
  const isOver = ({ sent }: Write) => sent.value === null && scan.atMs - sent.atMs >= tombstoneMs - apartMs
  // A write that nobody acknowledged may have been the last.
  const excuses = writes.filter((one) => isOver(one) && (one === last || !one.acked || one.acked.offset > due))
  const events = [last.sent, last.acked, scan]
  if (excuses.length === 0) {
    found.add('newest-lost', last.sent, `${key} was written at ${due}, and only ${seen} is there`, events)
  } else if (seen >= 0 && scan.atMs - scan.beganMs < quickMs) {
    found.add('resurrected', last.sent, `${key} was removed at ${due} or later, and ${seen} is there again`, events)
  }
}
