/**
 * A world in one process: simulated time, and stores whose calls take it. Nothing else takes time, so that what an operation
 * waited for can be counted exactly. Time moves on only when all that could run has run; calls pending at the same moment go on
 * together.
 */
import type { Clock, Random } from '../../src/runtime/clock.ts'
import type { ItemStore } from '../../src/store/items.ts'
import type { ObjectStore } from '../../src/store/objects.ts'
import type { Stores } from '../../src/store/stores.ts'

/** How long a store call is on its way there and back, in milliseconds. */
export type Latency = () => { readonly thereMs: number; readonly backMs: number }

/** Every call takes one tick: elapsed time over the tick is the number of round trips in sequence. */
export const ticking =
  (tickMs: number): Latency =>
  () => ({ thereMs: 0, backMs: tickMs })

/** A long-tailed latency by its median and its 99th percentile, half of it on the way there. */
export function lognormal(random: Random, p50Ms: number, p99Ms: number): Latency {
  const sigma = Math.log(p99Ms / p50Ms) / 2.3263
  const uniform = () => (random.below(2 ** 32) + 0.5) / 2 ** 32
  return () => {
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
    const ms = p50Ms * Math.exp(sigma * normal)
    return { thereMs: ms / 2, backMs: ms / 2 }
  }
}

export type World = {
  readonly clock: Clock
  /** The same stores, whose calls take time. Stores that take real time are waited for. */
  over(stores: Pick<Stores, 'items' | 'objects'>, latency: Latency): Pick<Stores, 'items' | 'objects'>
  /** Runs to the end, moving time on whenever everything waits for it. */
  run<T>(work: () => Promise<T>): Promise<T>
}

type Sleeper = { readonly atMs: number; wake(): void }

export function world(startMs: number): World {
  let nowMs = startMs
  let calls = 0
  let whenNoCalls = () => {}
  // Latest first, so that the next one is popped; of two at one moment, the one that came first.
  const sleepers: Sleeper[] = []

  const sleep = (ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve()
      const sleeper = { atMs: nowMs + ms, wake: resolve }
      let at = sleepers.length
      while (at > 0 && (sleepers[at - 1]?.atMs ?? 0) <= sleeper.atMs) at--
      sleepers.splice(at, 0, sleeper)
      signal?.addEventListener('abort', () => {
        const place = sleepers.indexOf(sleeper)
        if (place >= 0) sleepers.splice(place, 1)
        resolve()
      })
    })

  const taking =
    (latency: Latency) =>
    async <T>(call: () => Promise<T>): Promise<T> => {
      const { thereMs, backMs } = latency()
      if (thereMs > 0) await sleep(thereMs)
      calls++
      try {
        return await call()
      } finally {
        calls--
        if (calls === 0) whenNoCalls()
        await sleep(backMs)
      }
    }

  return {
    clock: { now: () => Math.floor(nowMs), uptime: () => nowMs, sleep },
    over({ items, objects }, latency) {
      const take = taking(latency)
      return { items: timedItems(items, take), objects: timedObjects(objects, take) }
    },
    async run(work) {
      let running = true
      const result = work().finally(() => {
        running = false
      })
      // Whoever awaits the result below hears of a failure; until then it is not unheard of.
      result.catch(() => {})
      for (;;) {
        await new Promise(setImmediate)
        if (!running) return result
        if (calls > 0) {
          await new Promise<void>((resolve) => {
            whenNoCalls = resolve
          })
          continue
        }
        const next = sleepers.pop()
        if (!next) throw new Error('everything waits, and for nothing that will happen')
        nowMs = next.atMs
        next.wake()
        while (sleepers.at(-1)?.atMs === nowMs) sleepers.pop()?.wake()
      }
    },
  }
}

type Take = <T>(call: () => Promise<T>) => Promise<T>

const timedItems = (items: ItemStore, take: Take): ItemStore => ({
  ...(items.forgets ? { forgets: true } : {}),
  get: (key) => take(() => items.get(key)),
  batchGet: (keys) => take(() => items.batchGet(keys)),
  query: (query) => take(() => items.query(query)),
  update: (key, update) => take(() => items.update(key, update)),
  delete: (key, condition) => take(() => items.delete(key, condition)),
  transact: (actions) => take(() => items.transact(actions)),
  metered: (meter) => timedItems(items.metered(meter), take),
})

const timedObjects = (objects: ObjectStore, take: Take): ObjectStore => ({
  put: (key, parts) => take(() => objects.put(key, parts)),
  get: (key, range) => take(() => objects.get(key, range)),
  list: (prefix, options) => take(() => objects.list(prefix, options)),
  delete: (keys) => take(() => objects.delete(keys)),
  metered: (meter) => timedObjects(objects.metered(meter), take),
})
