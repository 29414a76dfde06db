/**
 * A simulated machine that runs one server: it may be killed between any two steps, freeze and wake up long after, and have a
 * clock of its own. Everything a server waits for comes back through `resume`; a dead machine's never does.
 */
import { stampAheadMsMax } from '../src/log/stamp.ts'
import type { Clock } from '../src/runtime/clock.ts'
import { correctedClock, type ServerTime } from '../src/store/aws/server-time.ts'
import type { Chance } from './random.ts'
import type { Time } from './time.ts'

export type Machine = {
  readonly name: string
  readonly clock: Clock
  readonly serverTime: ServerTime
  /** Whether its clock is set right by what the stores answer. */
  readonly corrected: boolean
  isAlive(): boolean
  kill(): void
  /** Nothing moves until then. */
  freeze(untilMs: number): void
  /** Goes on with `what` as soon as the machine can; never, where it has died. */
  resume(what: () => void): void
}

/** `step` is called before each step of the server: it may kill or freeze the machine. */
export function machine(
  name: string,
  time: Time,
  skewMs: number,
  corrected: boolean,
  step: (self: Machine) => void,
): Machine {
  let alive = true
  let frozenUntilMs = 0
  const base: Clock = {
    now: () => time.now() + skewMs,
    uptime: () => time.now(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = () => {
          signal?.removeEventListener('abort', wake)
          self.resume(resolve)
        }
        if (signal?.aborted) return wake()
        signal?.addEventListener('abort', wake, { once: true })
        time.after(ms, wake)
      }),
  }
  const serverTime = correctedClock(base)
  const self: Machine = {
    name,
    clock: corrected ? serverTime.clock : base,
    serverTime,
    corrected,
    isAlive: () => alive,
    kill: () => {
      alive = false
    },
    freeze: (untilMs) => {
      frozenUntilMs = Math.max(frozenUntilMs, untilMs)
    },
    resume(what) {
      if (!alive) return
      step(self)
      if (!alive) return
      if (time.now() < frozenUntilMs) time.at(frozenUntilMs, () => self.resume(what))
      else what()
    },
  }
  return self
}

/**
 * The clocks of a cluster. `wrong`: mostly right, some a little off, a few a day or years, and most of them corrected by what the
 * stores answer. `apart`: some seconds, and nothing ever corrects them.
 */
export type Clocks = 'right' | 'wrong' | 'apart'

export function drawClock(chance: Chance, clocks: Clocks): { readonly skewMs: number; readonly corrected: boolean } {
  if (clocks === 'right') return { skewMs: 0, corrected: true }
  // Writers further apart than a stamp may run ahead would only refuse each other.
  if (clocks === 'apart') return { skewMs: chance.between(-0.45, 0.45) * stampAheadMsMax, corrected: false }
  // A machine whose stores send no Date header has only its own clock to go by.
  const corrected = !chance.happens(0.3)
  return { skewMs: drawSkew(chance), corrected }
}

const drawSkew = (chance: Chance): number =>
  chance.pick<() => number>([
    () => 0,
    () => 0,
    () => chance.between(-500, 500),
    () => chance.between(-8_000, 8_000),
    () => chance.between(-30_000, 30_000),
    () => chance.between(-2, 2) * stampAheadMsMax,
    () => 86_400_000 * chance.between(-1, 1),
    () => 86_400_000 * 365 * chance.between(-3, 8),
  ])()
