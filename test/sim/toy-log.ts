/**
 * A correct log in a few lines: one array that each call changes or looks at in one moment, with time before it and after it, with
 * lost answers and with copies that arrive late. Its histories are sound, whatever the plan.
 */
import fc from 'fast-check'
import type { Event, History } from '../../sim/history.ts'
import { final, type Step, where } from './histories.ts'

const plan = fc.record({
  client: fc.constantFrom('a', 'b', 'c', 'd'),
  act: fc.constantFrom('append', 'append', 'append', 'read', 'read', 'bounds', 'by-time', 'commit', 'committed'),
  outcome: fc.constantFrom('acked', 'acked', 'acked', 'failed', 'lost', 'applied', 'late', 'retried'),
  count: fc.integer({ min: 1, max: 3 }),
  thinkMs: fc.integer({ min: 0, max: 20 }),
  thereMs: fc.integer({ min: 0, max: 20 }),
  backMs: fc.integer({ min: 0, max: 20 }),
  choice: fc.nat(1_000),
})
type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never

type Toy = {
  readonly events: Event[]
  readonly log: { readonly value: string; readonly timestampMs: number }[]
  readonly bases: Map<string, number>
  readonly committed: { offset: number | null; lastSent: number }
}
/** What happens at the call's beginning, at its effect, at its answer, and long after. */
type Call = Partial<Record<'begins' | 'happens' | 'ends' | 'comesLate', () => void>>
type Note = (event: Step[1]) => void

export const soundHistories: fc.Arbitrary<History> = fc.array(plan, { maxLength: 80, size: 'max' }).map(play)

function play(plans: readonly Plan[]): History {
  const toy: Toy = { events: [], log: [], bases: new Map(), committed: { offset: null, lastSent: 0 } }
  const steps: { readonly atMs: number; readonly step: () => void }[] = []
  const freeMs = new Map<string, number>()
  let nowMs = 0
  const schedule = (client: string, call: Call, { thinkMs, thereMs, backMs }: Plan) => {
    const beginsMs = (freeMs.get(client) ?? 0) + thinkMs
    const endsMs = beginsMs + thereMs + backMs
    const times = { begins: beginsMs, happens: beginsMs + thereMs, ends: endsMs, comesLate: endsMs + 10 * thereMs }
    for (const part of ['begins', 'happens', 'ends', 'comesLate'] as const) {
      const step = call[part]
      if (step) steps.push({ atMs: times[part], step })
    }
    freeMs.set(client, endsMs)
  }
  for (const [number, planned] of plans.entries()) {
    // Offsets of a group go forward only where one client commits them.
    const one: Plan = planned.act === 'commit' ? { ...planned, client: 'a' } : planned
    // An event is a client, a time, and the rest.
    const note: Note = (event) => toy.events.push({ atMs: nowMs, client: one.client, ...event } as Event)
    for (const call of one.act === 'append' ? append(toy, note, one, `v${number}`) : [look(toy, note, one)]) {
      schedule(one.client, call, one)
    }
  }
  for (const { atMs, step } of steps.sort((one, other) => one.atMs - other.atMs)) {
    nowMs = atMs
    step()
  }
  const [client, end] = final(toy.log.map(({ value }) => value).join(' '))
  return [...toy.events, { atMs: nowMs, client, ...end } as Event]
}

/** One call, or, where the first one's answer is lost and its client insists, two with the same values. */
function append(toy: Toy, note: Note, { outcome, count, choice }: Plan, name: string): Call[] {
  const values = Array.from({ length: count }, (_, at) => `${name}.${at}`)
  const timestampMs = choice % 50
  const send = (attempt: string) => () => note({ kind: 'append-sent', attempt, values, timestampMs, ...where })
  const apply = () => {
    if (toy.bases.has(name)) return
    toy.bases.set(name, toy.log.length)
    for (const value of values) toy.log.push({ value, timestampMs })
  }
  const acknowledge = (attempt: string) => () =>
    note({ kind: 'append-acked', attempt, baseOffset: toy.bases.get(name) ?? Number.NaN })
  const giveUp = () => note({ kind: 'append-unknown', attempt: name })
  if (outcome === 'acked') return [{ begins: send(name), happens: apply, ends: acknowledge(name) }]
  if (outcome === 'failed') {
    return [{ begins: send(name), ends: () => note({ kind: 'append-failed', attempt: name, error: 'NO' }) }]
  }
  if (outcome === 'lost') return [{ begins: send(name), ends: giveUp }]
  if (outcome === 'applied') return [{ begins: send(name), happens: apply, ends: giveUp, comesLate: apply }]
  const first = { begins: send(name), ends: giveUp, comesLate: apply }
  if (outcome === 'late') return [first]
  const again = `${name}, again`
  return [first, { begins: send(again), happens: apply, ends: acknowledge(again) }]
}

function look(toy: Toy, note: Note, { act, outcome, count, choice }: Plan): Call {
  if (act === 'commit') return commit(toy, note, outcome, choice)
  let seen: Step[1] | undefined
  const see: Record<string, () => Step[1]> = {
    read: () => {
      const from = choice % (toy.log.length + 1)
      const records = toy.log.slice(from, from + count).map(({ value }, at) => ({ offset: from + at, value }))
      return { kind: 'read', from, records, highWatermark: toy.log.length, logStart: 0, ...where }
    },
    bounds: () => ({ kind: 'bounds', earliest: 0, latest: toy.log.length, ...where }),
    'by-time': () => {
      const timestampMs = choice % 60
      const offset = toy.log.findIndex((record) => record.timestampMs >= timestampMs)
      return { kind: 'by-time', timestampMs, offset, ...where }
    },
    committed: () => ({ kind: 'committed', group: 'g', offset: toy.committed.offset, ...where }),
  }
  return {
    happens: () => {
      seen = see[act]?.()
    },
    ends: () => {
      if (seen) note(seen)
    },
  }
}

/** Each offset beyond the last one sent; a late copy never undoes a newer one. */
function commit(toy: Toy, note: Note, outcome: Plan['outcome'], choice: number): Call {
  let offset = 0
  const attempt = () => `c${offset}`
  return {
    begins: () => {
      offset = toy.committed.lastSent + 1 + (choice % 3)
      toy.committed.lastSent = offset
      note({ kind: 'commit-sent', attempt: attempt(), group: 'g', offset, ...where })
    },
    happens: () => {
      if (outcome !== 'lost') toy.committed.offset = Math.max(toy.committed.offset ?? 0, offset)
    },
    ends: () => {
      const kind = outcome === 'acked' ? 'commit-acked' : 'commit-unknown'
      note({ kind, attempt: attempt() })
    },
  }
}
