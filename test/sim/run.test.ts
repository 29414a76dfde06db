import { expect, test } from 'vitest'
import { run } from '../../sim/run.ts'

test('a dozen seeds show no anomaly', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const { anomalies } = await run(seed)
    expect({ seed, anomalies }).toEqual({ seed, anomalies: [] })
  }
})

test('the same seed gives the same history, byte for byte', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const [first, second] = [await run(seed), await run(seed)]
    expect(JSON.stringify(second.history)).toBe(JSON.stringify(first.history))
    expect(second.trace).toEqual(first.trace)
  }
})

test('another seed gives another history', async () => {
  const [first, second] = [await run(1), await run(2)]
  expect(JSON.stringify(second.history)).not.toBe(JSON.stringify(first.history))
})

test('a run cut short is the same run up to there', async () => {
  const [whole, short] = [await run(3), await run(3, { lengthMs: 2_000 })]
  const until = (short.history.find((event) => event.kind === 'created')?.atMs ?? 0) + 2_000
  const before = (history: typeof whole.history) => history.filter(({ atMs }) => atMs < until)
  expect(before(short.history).length).toBeGreaterThan(0)
  expect(JSON.stringify(before(short.history))).toBe(JSON.stringify(before(whole.history)))
})
