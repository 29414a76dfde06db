/** What long logs look like: the regular one, and the ones that are hard to search. */
import type { Appended, Shape } from './long-log.ts'
import { seeded } from './seeded.ts'
import { startMs } from './setup.ts'

type Of = (entries: number) => Shape

/** Tiny requests and, every third, one of 1 KB, which is a blob: a fetch needs the index and blobs. */
const usual = (append: number): Pick<Appended, 'records' | 'valueBytes'> => ({
  records: 1,
  valueBytes: append % 3 === 2 ? 1_024 : 170,
})

/** Nine entries in ten hold a record or two a request; one stretch in the middle holds 1,000 a request. */
const skewed = (entries: number) => (append: number) => {
  const stretch = Math.floor((append / (entries * 4)) * 10)
  return stretch === 5 ? { records: 1_000, valueBytes: 0 } : { records: 1 + (append % 2), valueBytes: 80 }
}

/** A second apart. */
const steady = (append: number): number => startMs + append * 1_000

/** Long silences, long standstills, bursts of milliseconds, and some records that come late. */
function bursts(): (append: number) => number {
  const random = seeded(11)
  let nowMs = startMs
  let left = 0
  let paceMs = 0
  return () => {
    if (left-- <= 0) {
      left = random.below(3_000)
      paceMs = [0, 0, 1, 7, 1_000][random.below(5)] ?? 0
      nowMs += 10 ** random.below(9)
    }
    nowMs += paceMs
    return random.below(20) === 0 ? Math.max(startMs, nowMs - random.below(10_000_000)) : nowMs
  }
}

export const regular: Of = (entries) => ({
  name: 'regular',
  entries,
  next: (append) => ({ ...usual(append), timestampMs: steady(append) }),
})

const bursty: Of = (entries) => {
  const times = bursts()
  return { name: 'bursty times', entries, next: (append) => ({ ...usual(append), timestampMs: times(append) }) }
}

const uneven: Of = (entries) => {
  const sizes = skewed(entries)
  return { name: 'skewed batches', entries, next: (append) => ({ ...sizes(append), timestampMs: steady(append) }) }
}

const both: Of = (entries) => {
  const sizes = skewed(entries)
  const times = bursts()
  return { name: 'both', entries, next: (append) => ({ ...sizes(append), timestampMs: times(append) }) }
}

export const irregular: readonly Of[] = [bursty, uneven, both]
