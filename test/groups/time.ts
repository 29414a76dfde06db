import type { Clock } from '../../src/runtime/clock.ts'

/** Time that passes only while `during` waits for something, and then at once: from one sleeper's end to the next. */
export function virtualTime(startMs = Date.UTC(2026, 0, 1)) {
  let nowMs = startMs
  const sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>()
  const clock: Clock = {
    now: () => nowMs,
    uptime: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const wake = () => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { untilMs: nowMs + ms, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake)
      }),
  }
  const step = async () => {
    // Promises settle before the next turn of the event loop; nothing here waits for anything else.
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
  }
  /** Lets time pass until `work` is done. */
  const during = async <T>(work: Promise<T>): Promise<T> => {
    let isDone = false
    const done = () => {
      isDone = true
    }
    work.then(done, done)
    for (;;) {
      await step()
      if (isDone) return work
      const [first] = [...sleepers].sort((a, b) => a.untilMs - b.untilMs)
      if (!first) throw new Error('everybody waits for something that will not come')
      nowMs = Math.max(nowMs, first.untilMs)
      first.wake()
    }
  }
  /** Lets so much time pass, whatever sleeps. */
  const pass = (ms: number): Promise<void> => during(clock.sleep(ms))
  return { clock, during, pass }
}
