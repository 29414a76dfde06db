/** Worlds of brokers and Kafka clients: leases of seconds, for some minutes. */
import type { GroupScene } from '../crowd.ts'
import type { Weather } from '../faults.ts'
import type { Chance } from '../random.ts'
import type { Scene } from '../scenes.ts'
import type { BrokersScene } from './brokers.ts'

export function drawBrokers(chance: Chance): Scene {
  const lengthMs = chance.between(30_000, 120_000)
  const fate = chance.pick(fates)
  const brokers: BrokersScene = {
    ...fate,
    leaseMs: chance.pick([3_000, 5_000, 10_000]),
    named: chance.happens(0.3),
    rolls: chance.pick([0, 0, 4]),
    rollPauseMs: lengthMs / 4,
    breaks: chance.pick([0, 0.01, 0.05]),
  }
  const isTeam = chance.happens(0.3)
  const strategies = chance.pick<GroupScene['strategies']>([['range'], ['sticky', 'range']])
  const instanceIds = chance.pick<readonly string[]>([[], ['i0']])
  const team: GroupScene = { members: 2 + chance.below(2), instanceIds, strategies, schedule: false }
  return {
    weather: chance.pick(weathers),
    // Brokers have a fate of their own.
    fate: { kill: 0, freeze: 0, clocks: fate.clocks },
    servers: chance.pick([2, 3, 3]),
    cold: false,
    partitions: chance.pick([1, 2, 4]),
    rivals: false,
    lengthMs,
    thinkMs: chance.pick([500, 2_000]),
    paddings: chance.pick<Scene['paddings']>([[0], [90], [0, 0, 30, 300, 1_500]]),
    recordsMax: 2,
    // A front door without leaders, beside the brokers.
    producers: chance.below(2),
    onceProducers: 0,
    readers: chance.below(2),
    brokers,
    kafkaProducers: 2,
    kafkaReaders: isTeam ? 0 : 1,
    ...(isTeam ? { team } : {}),
    // All copies and sleepers have come by then.
    restMs: 120_000,
  }
}

type BrokerFate = Pick<BrokersScene, 'kill' | 'freeze' | 'cut' | 'clocks'>
/** For each step: a broker takes some ten a second. */
const fates: readonly [BrokerFate, ...BrokerFate[]] = [
  { kill: 0, freeze: 0, cut: 0, clocks: 'right' },
  { kill: 0.001, freeze: 0, cut: 0, clocks: 'right' },
  { kill: 0, freeze: 0.002, cut: 0, clocks: 'right' },
  { kill: 0, freeze: 0, cut: 0.002, clocks: 'right' },
  { kill: 0.0005, freeze: 0.001, cut: 0.001, clocks: 'apart' },
  { kill: 0.002, freeze: 0.002, cut: 0.001, clocks: 'right' },
]
/** Nothing comes later than a minute. */
const weathers: readonly [Weather, ...Weather[]] = [
  { write: 0, read: 0 },
  { write: 0.05, read: 0.02, lateness: [2.5, 4.5] },
  { write: 0.2, read: 0.05, lateness: [2.8, 4.8] },
]
