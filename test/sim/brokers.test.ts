import { expect, test } from 'vitest'
import { run } from '../../sim/run.ts'

test('brokers that die, sleep, are cut off and rolled show no anomaly, and a seed gives one history', async () => {
  for (let seed = 1; seed <= 2; seed++) {
    const [first, second] = [await run(seed, { scene: 'brokers' }), await run(seed, { scene: 'brokers' })]
    expect({ seed, anomalies: first.anomalies }).toEqual({ seed, anomalies: [] })
    expect(first.history.some(({ kind }) => kind === 'brokers-final')).toBe(true)
    expect(JSON.stringify(second.history)).toBe(JSON.stringify(first.history))
  }
})
