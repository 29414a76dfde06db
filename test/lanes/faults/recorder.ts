/** The history of a run, told by its clients as they go. */
import type { Event, History } from '../../../sim/history.ts'

/** `Omit` for each kind of event by itself. */
type Told<E> = E extends unknown ? Omit<E, 'atMs' | 'client'> : never

export type Tell = (event: Told<Event>) => void

export type Recorder = {
  readonly history: History
  /** What one client tells. */
  as(client: string): Tell
  /** A name that no other attempt has. */
  newAttempt(): string
}

export function recorder(): Recorder {
  const history: Event[] = []
  let attempts = 0
  return {
    history,
    as: (client) => (event) => {
      // What `Told` took away is given back; the compiler does not put the parts of a union together again.
      history.push({ ...event, atMs: Date.now(), client } as Event)
    },
    newAttempt: () => `attempt ${++attempts}`,
  }
}
