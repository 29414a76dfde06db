/** Whoever sets how long records stay: now longer, now shorter, again and again until the change is answered. */
import { alterTopicConfigs } from '../src/log/alter-topic.ts'
import { ask, type Client, note, pause } from './client.ts'
import type { Fate } from './cluster.ts'
import type { Weather } from './faults.ts'
import type { Chance } from './random.ts'
import type { Scene } from './scenes.ts'

export type RetentionScene = {
  /** What `retention.ms` may be. */
  readonly choicesMs: readonly [number, ...number[]]
  /** Between two changes, at most. */
  readonly pauseMs: number
}

export async function changeRetention(client: Client, { choicesMs, pauseMs }: RetentionScene): Promise<void> {
  const { world, chance } = client
  for (let change = 0; world.time.now() < world.untilMs; change++) {
    await pause(world.time, chance.between(0, pauseMs))
    const ms = chance.pick(choicesMs)
    for (let tries = 0, done = false; !done && tries < 50; tries++) {
      const attempt = `r${change}.${tries}`
      note(client, { kind: 'retention-sent', attempt, topicId: world.topicId, ms })
      const answer = await ask(client, (core) => alterTopicConfigs(core, world.topic, { 'retention.ms': String(ms) }))
      done = 'value' in answer
      if (done) note(client, { kind: 'retention-acked', attempt })
      else await pause(world.time, chance.between(100, 60_000))
    }
  }
}

const dayMs = 86_400_000

/**
 * Days of a slow log in a store that forgets: records are over, blobs go by themselves, the schedule fires every few hours
 * or not for days, and how long records stay is changed all the time.
 */
export const drawForgetting = (chance: Chance): Scene => {
  // Committed offsets live for a week.
  const lengthMs = chance.between(3.5, 6) * dayMs
  const choicesMs = chance.pick<RetentionScene['choicesMs']>([
    [dayMs / 2, 2 * dayMs, 30 * dayMs],
    [dayMs / 8, dayMs],
    [0, 4 * dayMs],
  ])
  return {
    weather: chance.pick(weathers),
    fate: chance.pick(fates),
    servers: 1 + chance.below(3),
    cold: chance.happens(0.3),
    partitions: chance.pick([1, 1, 2]),
    rivals: false,
    lengthMs,
    thinkMs: lengthMs / chance.pick([20, 60]),
    paddings: chance.pick<Scene['paddings']>([[300], [90, 300, 1_500, 9_000]]),
    recordsMax: 3,
    producers: 2 + chance.below(2),
    onceProducers: chance.below(2),
    readers: 2,
    sequenced: 0,
    // Rolled within the hour, or hardly ever.
    rolling: {
      segmentMs: chance.pick([3_600_000, 3 * dayMs, 300 * dayMs]),
      pauseMs: chance.pick([3_600_000, dayMs, 4 * dayMs]),
    },
    retention: { choicesMs, pauseMs: chance.pick([dayMs, 2 * dayMs]) },
  }
}
const weathers: readonly [Weather, ...Weather[]] = [
  { write: 0, read: 0 },
  { write: 0.05, read: 0.02 },
  { write: 0.2, read: 0.05 },
  { write: 0.3, read: 0.05, lateness: [4.5, 6.6] },
]
/** What is over is told by clocks: they are right, or seconds apart. */
const fates: readonly [Fate, ...Fate[]] = [
  { kill: 0, freeze: 0, clocks: 'right' },
  { kill: 0.005, freeze: 0.005, clocks: 'right' },
  { kill: 0.003, freeze: 0.003, clocks: 'apart' },
  { kill: 0, freeze: 0.05, clocks: 'right' },
]
