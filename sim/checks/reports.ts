/** Collects anomalies, each promise once for each thing it was broken for: a thousand reads of one lost record are one anomaly. */
import type { Anomaly, Event, Where } from '../history.ts'

export type Reports = {
  /** `about`: the batch, log or event concerned. `events`: the fewest that show it, in the order they happened. */
  readonly add: (name: string, about: unknown, what: string, events: readonly Event[]) => void
  readonly all: () => readonly Anomaly[]
}

export function reports(): Reports {
  const found: Anomaly[] = []
  const told = new Map<string, Set<unknown>>()
  return {
    add: (name, about, what, events) => {
      const things = told.get(name) ?? new Set()
      if (things.has(about)) return
      told.set(name, things.add(about))
      found.push({ name, what, events })
    },
    all: () => found,
  }
}

export const text = ({ topicId, partition }: Where): string => `${topicId}-${partition}`
