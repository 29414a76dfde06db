import { expect, test } from 'vitest'
import { type LongLife, longLife } from '../../bench/cost/long-life.ts'

const costly = ({ append, fetchFirst, fetchMiddle, fetchLast }: LongLife) => ({
  append,
  fetchFirst,
  fetchMiddle,
  fetchLast,
})
const unitsAnEntry = ({ retention: { writeUnits, readUnits }, removedEntries }: LongLife) =>
  (writeUnits + readUnits) / removedEntries

test('a log of a million index entries costs what one of a thousand does, but for retention’s own work', {
  timeout: 300_000,
}, async () => {
  const short = await longLife(1_000)
  const long = await longLife(1_000_000, 100_000)
  expect(costly(long)).toEqual(costly(short))
  expect(long.byTime.mostReadCalls).toBeLessThanOrEqual(short.byTime.mostReadCalls)
  expect(long.byTime.trips / short.byTime.trips).toBeLessThan(1.05)
  expect(long.removedEntries).toBeGreaterThanOrEqual(10_000)
  expect(unitsAnEntry(long)).toBeLessThanOrEqual(unitsAnEntry(short))
})
