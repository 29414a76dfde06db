/**
 * Days of a slow log that is swept every day: servers fall asleep for hours, and what they sent comes hours late, so that many an
 * append, and many a swap of the schedule, has a sweep between its beginning and its end.
 */
import type { Fate } from './cluster.ts'
import type { Weather } from './faults.ts'
import type { Chance } from './random.ts'
import type { Scene } from './scenes.ts'

const hourMs = 3_600_000

export const drawSweeping = (chance: Chance): Scene => {
  const lengthMs = chance.between(26, 80) * hourMs
  const weather = chance.pick(weathers)
  return {
    weather,
    swept: weather.write === 0,
    fate: chance.pick(fates),
    servers: 3,
    cold: chance.happens(0.5),
    partitions: chance.pick([1, 2, 2]),
    rivals: false,
    lengthMs,
    thinkMs: lengthMs / chance.pick([60, 120]),
    paddings: chance.pick<Scene['paddings']>([[300], [300, 1_500, 9_000], [9_000]]),
    recordsMax: 2,
    ...{ producers: 2 + chance.below(2), onceProducers: 0, readers: 1 },
    // Most of the log stays in chunks where segments may be old.
    rolling: {
      segmentMs: chance.pick([60_000, 6 * hourMs, 3_000 * hourMs]),
      pauseMs: chance.pick([hourMs, 3 * hourMs]),
    },
  }
}

/** From a quarter of an hour to some five hours and a half. */
const hours = [6, 7.3] as const
const weathers: readonly [Weather, ...Weather[]] = [
  { write: 0, read: 0 },
  { write: 0.1, read: 0.02, lateness: hours },
  // Every other append, and every other swap, is on its way for long after its sender gave up.
  { write: 0.4, read: 0.02, lateness: hours, kinds: ['delivered late', 'delivered late', 'request lost', 'slow'] },
]
const fates: readonly [Fate, ...Fate[]] = [
  { kill: 0, freeze: 0, clocks: 'right' },
  { kill: 0.003, freeze: 0.01, clocks: 'right', sleep: hours },
  { kill: 0, freeze: 0.03, clocks: 'right', sleep: hours },
  { kill: 0, freeze: 0.01, clocks: 'apart', sleep: hours },
]
