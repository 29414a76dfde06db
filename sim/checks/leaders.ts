/**
 * Leaders of partitions: one for each epoch, whoever tells it; what one broker tells does not go back; nobody answers as leader in an
 * epoch that was passed longer ago than a lease; and once a record of a later leader is in the log, no earlier one brings any.
 */
import type { Anomaly, Event } from '../history.ts'
import type { Facts, Kind } from './facts.ts'
import { type Reports, reports, text } from './reports.ts'

type Told = Kind<'leader-told'>
type Led = Kind<'led'>
type Claim = { readonly leader: number; readonly event: Event }
type Epochs = {
  readonly leaders: Map<number, Claim>
  /** Who answered first in each epoch. */
  readonly answering: Map<number, Led>
  /** Each greater than the one before, by when it was told. */
  readonly greatest: { readonly epoch: number; readonly atMs: number; readonly event: Event }[]
  readonly byBroker: Map<string, Told[]>
  readonly appends: { readonly offset: number; readonly led: Led; readonly acked: Event }[]
}

export function checkLeaders(facts: Facts): readonly Anomaly[] {
  const found = reports()
  const partitions = new Map<string, Epochs>()
  for (const event of facts.history) {
    if (event.kind !== 'leader-told' && event.kind !== 'led') continue
    const key = text(event)
    const epochs = partitions.get(key) ?? {
      leaders: new Map(),
      answering: new Map(),
      greatest: [],
      byBroker: new Map(),
      appends: [],
    }
    partitions.set(key, epochs)
    if (event.kind === 'leader-told') {
      claim(epochs, event.epoch, event.leader, event, found)
      checkGrowth(epochs, event, found)
    } else {
      if (event.epochFrom === event.epochTo) {
        claim(epochs, event.epochTo, event.node, event, found)
        checkAlone(epochs, event, found)
      }
      checkFresh(epochs, event, found)
      keepAppend(facts, epochs, event)
    }
  }
  for (const epochs of partitions.values()) checkFence(epochs, found)
  return found.all()
}

function claim(epochs: Epochs, epoch: number, leader: number, event: Told | Led, found: Reports): void {
  const other = epochs.leaders.get(epoch)
  if (!other) epochs.leaders.set(epoch, { leader, event })
  else if (other.leader !== leader) {
    const what = `brokers ${other.leader} and ${leader} lead ${text(event)} in epoch ${epoch}`
    found.add('two-leaders-in-an-epoch', epochs, what, [other.event, event])
  }
  if (epoch > (epochs.greatest.at(-1)?.epoch ?? -1)) epochs.greatest.push({ epoch, atMs: event.atMs, event })
}

/** Node ids are used again by later lives: an epoch is of one life. */
function checkAlone(epochs: Epochs, event: Led, found: Reports): void {
  const { answering } = epochs
  const other = answering.get(event.epochTo)
  if (!other) answering.set(event.epochTo, event)
  else if (other.by !== event.by) {
    const what = `${other.by} and ${event.by} both answer for ${text(event)} in epoch ${event.epochTo}`
    found.add('two-leaders-in-an-epoch', epochs, what, [other, event])
  }
}

/** What was asked after another answer of the same life had come is no older than that. */
function checkGrowth({ byBroker }: Epochs, event: Told, found: Reports): void {
  const told = byBroker.get(event.by) ?? []
  byBroker.set(event.by, told)
  const newer = told.find((one) => one.epoch > event.epoch && one.atMs <= event.sentMs)
  if (newer) {
    const what = `${event.by} told of epoch ${event.epoch} of ${text(event)} after it had told of ${newer.epoch}`
    found.add('leader-epoch-went-back', event.by, what, [newer, event])
  }
  // One answer for each epoch is enough: the first.
  if (!told.some((one) => one.epoch === event.epoch)) told.push(event)
}

function checkFresh({ greatest }: Epochs, event: Led, found: Reports): void {
  const passed = greatest.find(({ epoch, atMs }) => epoch > event.epochTo && atMs <= event.sentMs - event.leaseMs)
  if (!passed) return
  const what = `${event.by} answered for ${text(event)} in epoch ${event.epochTo}, more than a lease after ${passed.epoch} was told of`
  found.add('old-leader-answers', event.by, what, [passed.event, event])
}

/** Only what was sent once: of the rest nobody knows which of the brokers that were asked brought it. */
function keepAppend(facts: Facts, { appends }: Epochs, led: Led): void {
  if (led.attempt === undefined) return
  const { attempt, batch } = facts.attempt(led.attempt)
  const { ended } = attempt
  if (batch.attempts.length > 1 || ended?.kind !== 'append-acked') return
  appends.push({ offset: ended.baseOffset, led, acked: ended })
}

function checkFence({ appends }: Epochs, found: Reports): void {
  let before: (typeof appends)[number] | undefined
  for (const one of appends.toSorted((a, b) => a.offset - b.offset)) {
    if (before && before.led.epochFrom > one.led.epochTo) {
      const [old, now] = [
        `${one.led.by} in epoch ${one.led.epochTo}`,
        `${before.led.by} in epoch ${before.led.epochFrom}`,
      ]
      const what = `${text(one.led)}: ${old} appended at ${one.offset}, after ${now} at ${before.offset}`
      found.add('appended-by-old-leader', appends, what, [before.led, before.acked, one.led, one.acked])
    }
    if (!before || one.led.epochFrom > before.led.epochFrom) before = one
  }
}
