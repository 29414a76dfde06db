/**
 * One poll for all fetches that wait. While one request waits, or several that are equal, it is asked again itself, and its answer
 * is theirs; of several, all partitions are looked at by one request, and those are woken behind whose ends something lies. The
 * pause between two looks grows while nothing comes. What is known here is a hint with an age, and nothing is lost with it.
 */
import type { Clock } from '../runtime/clock.ts'
import type { FarAnswer } from './far-end.ts'
import { type AskedFetch, type FetchAnswer, type Place, probesOf, readFetchAnswer } from './fetch-frames.ts'

export type Watch = {
  /** Takes note of an answer that was asked for at this time. */
  saw(answer: FetchAnswer, askedMs: number): void
  /** Whether these are still the ends, as far as was seen in the last moments. */
  isCurrent(highs: ReadonlyMap<Place, number>): boolean
  /** Resolves with news; undefined: the time is over, or the signal fired. News without an answer: ask. */
  wait(asked: AskedFetch, untilMs: number, signal: AbortSignal): Promise<News | undefined>
  /** Something was appended here by a client of ours. */
  wake(places: readonly Place[]): void
}

export type News = { readonly answer?: FetchAnswer }

export type WatchOptions = {
  readonly ask: (frame: Uint8Array) => Promise<FarAnswer>
  readonly clock: Clock
  readonly longestPauseMs: number
}

const firstPauseMs = 50
const growth = 1.5
/** How much longer than a pause what was seen is gone by: the look itself takes time. */
const slackMs = 2_000
const placesMax = 100_000

type Seen = { readonly high: number; readonly askedMs: number }
type Waiter = { readonly asked: AskedFetch; tell(news: News | undefined): void }

export function watch({ ask, clock, longestPauseMs }: WatchOptions): Watch {
  const seen = new Map<Place, Seen>()
  const waiters = new Set<Waiter>()
  let pauseMs = Math.min(firstPauseMs, longestPauseMs)
  let running = false

  const saw = (answer: FetchAnswer, askedMs: number): boolean => {
    let isNews = false
    if (seen.size > placesMax) seen.clear()
    for (const place of answer.failed) seen.delete(place)
    for (const [place, high] of answer.highs) {
      const before = seen.get(place)
      if (before && before.askedMs > askedMs) continue
      if (before && before.high !== high) isNews = true
      seen.set(place, { high, askedMs })
    }
    if (isNews) pauseMs = Math.min(firstPauseMs, longestPauseMs)
    return isNews
  }

  const lookAlone = async (asked: AskedFetch): Promise<void> => {
    const askedMs = clock.uptime()
    const { frame } = await ask(asked.frame)
    if (!frame) return
    const answer = readFetchAnswer(asked.version, frame)
    saw(answer, askedMs)
    if (answer.bytes === 0 && !answer.isFailed) return
    for (const waiter of waiters) if (waiter.asked.key === asked.key) waiter.tell({ answer })
  }

  const lookAtAll = async (): Promise<void> => {
    const ends = new Map<Place, number>()
    for (const { asked } of waiters) for (const place of asked.places) ends.set(place, seen.get(place)?.high ?? 0)
    await Promise.all(
      probesOf(ends).map(async ({ version, frame }) => {
        const askedMs = clock.uptime()
        const answered = await ask(frame)
        if (!answered.frame) return
        const answer = readFetchAnswer(version, answered.frame)
        saw(answer, askedMs)
        const moved = new Set<Place>(answer.failed)
        for (const [place, high] of answer.highs) if (high !== ends.get(place)) moved.add(place)
        tellThose(moved)
      }),
    )
  }

  const tellThose = (places: ReadonlySet<Place>): void => {
    for (const waiter of waiters) if (waiter.asked.places.some((place) => places.has(place))) waiter.tell({})
  }

  /** When the partition that was looked at longest ago is due. */
  const dueMs = (): number => {
    let oldestMs = Number.POSITIVE_INFINITY
    for (const { asked } of waiters) {
      for (const place of asked.places) oldestMs = Math.min(oldestMs, seen.get(place)?.askedMs ?? 0)
    }
    return oldestMs + pauseMs
  }

  /** Looks whenever a look is due, until nobody waits any more. */
  const run = async (): Promise<void> => {
    for (;;) {
      const restMs = dueMs() - clock.uptime()
      if (restMs === Number.POSITIVE_INFINITY) break
      // Not longer than a pause of the shortest kind at a time: who joins meanwhile may be due before.
      if (restMs > 0) {
        await clock.sleep(Math.min(restMs, firstPauseMs))
        continue
      }
      pauseMs = Math.min(longestPauseMs, pauseMs * growth)
      const [first, ...others] = new Map([...waiters].map(({ asked }) => [asked.key, asked])).values()
      if (!first) break
      try {
        await (others.length === 0 ? lookAlone(first) : lookAtAll())
      } catch {
        // Each client that waits hears of it when it asks itself.
        await clock.sleep(pauseMs)
      }
    }
    running = false
  }

  const start = (): void => {
    if (running) return
    running = true
    void run()
  }

  return {
    saw,
    isCurrent(highs) {
      const oldestMs = clock.uptime() - longestPauseMs - slackMs
      for (const [place, high] of highs) {
        const known = seen.get(place)
        if (known?.high !== high || known.askedMs < oldestMs) return false
      }
      return true
    },
    async wait(asked, untilMs, signal) {
      const over = new AbortController()
      let told: News | undefined
      const waiter: Waiter = {
        asked,
        tell(news) {
          told ??= news
          waiters.delete(waiter)
          over.abort()
        },
      }
      waiters.add(waiter)
      start()
      await clock.sleep(Math.max(0, untilMs - clock.uptime()), AbortSignal.any([over.signal, signal]))
      waiters.delete(waiter)
      return told
    },
    wake: (places) => tellThose(new Set(places)),
  }
}
