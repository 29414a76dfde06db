/** What a seed's world is like: its weather, its servers, how much is done in it and how fast. */
import type { Paddings } from './client.ts'
import type { Fate } from './cluster.ts'
import type { GroupScene } from './crowd.ts'
import { type DeletingScene, drawDeleting } from './deleting.ts'
import type { Weather } from './faults.ts'
import type { BrokersScene } from './kafka/brokers.ts'
import { drawBrokers } from './kafka/scene.ts'
import { drawCompacting, type KeyedScene } from './keyed.ts'
import type { Pauses } from './producers-idempotent.ts'
import type { Chance } from './random.ts'
import { drawForgetting, type RetentionScene } from './retention.ts'
import { drawSweeping } from './sweeping.ts'

export type Scene = {
  /** A compacted topic, and who writes and reads it. */
  readonly keyed?: KeyedScene
  readonly weather: Weather
  readonly fate: Fate
  readonly servers: number
  /** Each call meets a server that remembers nothing, as a function started for it alone. */
  readonly cold: boolean
  readonly partitions: number
  /** Two create the topic at once: one of them finds that it lost, and cleans up. */
  readonly rivals: boolean
  /** When clients stop, and how long one pauses at most between two requests. */
  readonly lengthMs: number
  readonly thinkMs: number
  readonly paddings: Paddings
  readonly recordsMax: number
  readonly producers: number
  /** Producers that send under an `Idempotency-Key`. */
  readonly onceProducers: number
  readonly readers: number
  /** Idempotent producers, where there are any. */
  readonly sequenced?: number
  /** How long they rest, where not as long as they do elsewhere. */
  readonly pauses?: Pauses
  /** Servers are brokers, which flush together what comes together. */
  readonly together?: boolean
  /** A consumer group, where there is one. */
  readonly team?: GroupScene
  /** Topics' segments are as old as this at most, and the schedule, which rolls them, pauses for at most so long. */
  readonly rolling?: { readonly segmentMs: number; readonly pauseMs: number }
  /** How long records stay, where that is changed, and the store forgets what its `ttl` says. */
  readonly retention?: RetentionScene
  /** At the end nothing is stored that nobody names. */
  readonly swept?: boolean
  /** A second topic that is deleted and created again. */
  readonly deleting?: DeletingScene
  /** Servers are brokers of one cluster; and clients that speak Kafka's protocol, who go to whoever leads. */
  readonly brokers?: BrokersScene
  readonly kafkaProducers?: number
  readonly kafkaReaders?: number
  /** How long whatever is still on its way has to come, where not half a day. */
  readonly restMs?: number
}

const weathers: readonly [Weather, ...Weather[]] = [
  { write: 0, read: 0 },
  { write: 0.05, read: 0.02 },
  { write: 0.2, read: 0.05 },
  { write: 0.5, read: 0.2 },
]
const fates: readonly [Fate, ...Fate[]] = [
  { kill: 0, freeze: 0, clocks: 'right' },
  { kill: 0.003, freeze: 0, clocks: 'right' },
  { kill: 0, freeze: 0.005, clocks: 'wrong' },
  { kill: 0.01, freeze: 0.01, clocks: 'right' },
  { kill: 0.003, freeze: 0.003, clocks: 'wrong' },
  // Servers that fall asleep in the middle of most of what they do.
  { kill: 0, freeze: 0.05, clocks: 'right' },
]

/** Records of all sizes; all tiny; or all just small enough to ride in the head, where few of them fit. */
const sizes: readonly [Paddings, ...Paddings[]] = [
  [0, 0, 0, 30, 300, 1_500, 9_000],
  [0, 0, 0, 30, 300, 1_500, 9_000],
  [0],
  [90],
]

const drawAny = (chance: Chance): Scene => {
  const weather = chance.pick(weathers)
  const fate = chance.pick(fates)
  const servers = 1 + chance.below(4)
  const cold = chance.happens(0.3)
  const partitions = chance.pick([1, 1, 2, 3])
  const rivals = chance.happens(0.4)
  // Busy for a moment, or slow for hours: late copies have to meet both.
  const lengthMs = 10 ** chance.between(3.3, 6.9)
  const paddings = chance.pick(sizes)
  const thinkMs = lengthMs / chance.pick([5, 15, 40])
  const [producers, onceProducers, readers] = [1 + chance.below(4), chance.below(3), 1 + chance.below(2)]
  return {
    ...{ weather, fate, servers, cold, partitions, rivals, lengthMs, paddings, thinkMs },
    ...{ producers, onceProducers, readers, recordsMax: 3 },
  }
}

/**
 * Writers that know nothing of each other, with clocks some seconds apart, in a hurry on one partition, over a network that
 * repeats itself for some seconds: stamps out of order, a head that holds few refs and is spilled again and again, forgetting
 * two or three marks at a time, and a copy of what it forgot comes back before the stamps have caught up.
 */
const drawEchoes = (chance: Chance): Scene => ({
  weather: { write: chance.pick([0.2, 0.4]), read: 0.02, kinds: echoes, lateness: [2.8, 4.1] },
  fate: { kill: 0, freeze: 0, clocks: 'apart' },
  servers: 4,
  cold: true,
  partitions: 1,
  rivals: false,
  lengthMs: chance.between(10_000, 25_000),
  thinkMs: chance.pick([200, 500]),
  paddings: [100],
  recordsMax: 1,
  producers: 4,
  onceProducers: 0,
  readers: 1,
})

/** Most copies come after the first one was answered well. */
const echoes = [
  'duplicated late',
  'duplicated late',
  'duplicated late',
  'delivered late',
  'duplicated',
  'slow',
] as const
const echoesShare = 0.05

/** Clocks are right or some seconds apart: who is alive is told by them, as nothing else is. */
const teamFates: readonly [Fate, ...Fate[]] = [
  { kill: 0, freeze: 0, clocks: 'right' },
  { kill: 0.002, freeze: 0, clocks: 'apart' },
  { kill: 0, freeze: 0.003, clocks: 'right' },
  { kill: 0.002, freeze: 0.002, clocks: 'apart' },
  { kill: 0, freeze: 0.02, clocks: 'right' },
]
const teamWeathers: readonly [Weather, ...Weather[]] = [
  { write: 0, read: 0 },
  { write: 0.05, read: 0.02 },
  { write: 0.15, read: 0.05 },
  // Copies that come back within a minute, while the group that they are of is still at it.
  { write: 0.2, read: 0.02, lateness: [2.8, 4.8] },
  // Commits that take as long as a rebalance.
  { write: 0.3, read: 0.05, kinds: ['slow', 'slow', 'slow', 'slow', 'answer lost', 'throttled', 'duplicated late'] },
]

/** A consumer group: members of all kinds on a few partitions, for minutes, through different servers. */
function drawTeam(chance: Chance): Scene {
  const weather = chance.pick(teamWeathers)
  const fate = chance.pick(teamFates)
  const [servers, cold] = [1 + chance.below(4), chance.happens(0.3)]
  const partitions = chance.pick([1, 2, 3, 4, 6])
  const lengthMs = 10 ** chance.between(4.7, 5.7)
  const members = 2 + chance.below(4)
  const instanceIds = chance.pick<readonly string[]>([[], [], ['i0'], ['i0', 'i1'], ['i0', 'i0']])
  const strategies = chance.pick<GroupScene['strategies']>([
    ['range'],
    ['roundrobin', 'range'],
    ['sticky'],
    ['sticky', 'range'],
  ])
  const team = { members, instanceIds, strategies, schedule: chance.happens(0.5) }
  return {
    ...{ weather, fate, servers, cold, partitions, rivals: false, lengthMs, paddings: [0], team },
    ...{ producers: 1 + chance.below(2), onceProducers: 0, readers: 0, recordsMax: 3 },
    thinkMs: lengthMs / chance.pick([20, 100]),
  }
}
const teamsShare = 0.1

/** Idempotent producers, for hours and with long pauses, beside others that fill the head: they leave it and come back. */
const drawSequences = (chance: Chance): Scene => ({
  weather: chance.pick(sequenceWeathers),
  fate: chance.pick(fates),
  servers: 1 + chance.below(3),
  cold: chance.happens(0.3),
  partitions: chance.pick([1, 1, 2]),
  rivals: false,
  lengthMs: chance.between(1, 3) * 3_600_000,
  thinkMs: chance.pick([60_000, 240_000]),
  paddings: chance.pick(sequenceSizes),
  recordsMax: 2,
  producers: 1,
  onceProducers: 0,
  readers: 1,
  sequenced: 2 + chance.below(3),
})
const sequenceWeathers: readonly [Weather, ...Weather[]] = [
  { write: 0.05, read: 0.02 },
  { write: 0.2, read: 0.05 },
  { write: 0.4, read: 0.1 },
  // Copies that come back after a quarter of an hour or an hour, when their producer may have left the head.
  { write: 0.3, read: 0.02, lateness: [5.8, 6.6] },
]
const sequenceSizes: readonly [Paddings, ...Paddings[]] = [[0], [90], [0, 0, 30, 300, 9_000]]
const sequencesShare = 0.1

/** Logs that are rolled while they are written and read, for an hour or some; most of what is read lies in segments. */
const drawRolling = (chance: Chance): Scene => {
  const lengthMs = chance.between(0.3, 3) * 3_600_000
  return {
    weather: chance.pick(rollingWeathers),
    fate: chance.pick(rollingFates),
    servers: 1 + chance.below(4),
    cold: chance.happens(0.3),
    partitions: chance.pick([1, 1, 2]),
    rivals: false,
    lengthMs,
    thinkMs: lengthMs / chance.pick([30, 60]),
    paddings: chance.pick(rollingSizes),
    recordsMax: 3,
    producers: 2 + chance.below(2),
    onceProducers: chance.below(2),
    readers: 2,
    sequenced: chance.below(2),
    rolling: { segmentMs: chance.pick([1, 60_000, 600_000]), pauseMs: chance.pick([60_000, 300_000, 900_000]) },
  }
}
const rollingWeathers: readonly [Weather, ...Weather[]] = [
  { write: 0, read: 0 },
  { write: 0.05, read: 0.02 },
  { write: 0.2, read: 0.05 },
  // Copies of what a spiller or a roller sent come back after minutes, when others have rolled and cleaned up.
  { write: 0.3, read: 0.05, lateness: [4.5, 6.6] },
]
/** What is old is told by clocks: a schedule years ahead takes offsets for expired. */
const rollingFates: readonly [Fate, ...Fate[]] = [
  { kill: 0, freeze: 0, clocks: 'right' },
  { kill: 0.005, freeze: 0.005, clocks: 'right' },
  { kill: 0.003, freeze: 0.003, clocks: 'apart' },
  { kill: 0, freeze: 0.05, clocks: 'right' },
]
/** Heads that are spilled often. */
const rollingSizes: readonly [Paddings, ...Paddings[]] = [[90], [90, 300, 9_000], [300, 1_500, 9_000]]
const rollingShare = 0.15

/** One or two brokers and many producers of all kinds in a hurry: most of what they send waits for a flush, and goes with others'. */
const drawTogether = (chance: Chance): Scene => ({
  weather: chance.pick(togetherWeathers),
  fate: chance.pick(fates),
  servers: 1 + chance.below(2),
  cold: false,
  together: true,
  partitions: chance.pick([1, 1, 2, 3]),
  rivals: false,
  lengthMs: 10 ** chance.between(4, 5.3),
  thinkMs: chance.pick([20, 200, 2_000]),
  paddings: chance.pick(sizes),
  recordsMax: 2,
  producers: 3 + chance.below(3),
  onceProducers: 0,
  readers: 1,
  sequenced: 3 + chance.below(4),
  pauses: [20, 200, 2_000, 20_000],
})
const togetherWeathers: readonly [Weather, ...Weather[]] = [
  { write: 0.02, read: 0.01 },
  { write: 0.1, read: 0.05 },
  { write: 0.3, read: 0.05 },
  { write: 0.2, read: 0.02, lateness: [2.8, 4.8] },
]
const togetherShare = 0.1

const forgettingShare = 0.15
const brokersShare = 0.05
const compactingShare = 0.08
const sweepingShare = 0.05
const deletingShare = 0.08

export const sceneNames = [
  'any',
  'echoes',
  'team',
  'sequences',
  'rolling',
  'together',
  'forgetting',
  'compacting',
  'sweeping',
  'deleting',
  'brokers',
] as const
export type SceneName = (typeof sceneNames)[number]
const draws: Record<SceneName, (chance: Chance) => Scene> = {
  any: drawAny,
  echoes: drawEchoes,
  team: drawTeam,
  sequences: drawSequences,
  rolling: drawRolling,
  together: drawTogether,
  forgetting: drawForgetting,
  compacting: drawCompacting,
  sweeping: drawSweeping,
  deleting: drawDeleting,
  brokers: drawBrokers,
}

/** Draws from a stream of its own which it is. */
export function drawScene(chance: Chance, only?: SceneName): Scene {
  const which = chance.fork('scene')
  const rare = which.happens(echoesShare) ? 'echoes' : which.happens(teamsShare) ? 'team' : undefined
  const often = which.happens(sequencesShare) ? 'sequences' : which.happens(rollingShare) ? 'rolling' : undefined
  const other = which.happens(togetherShare) ? 'together' : which.happens(forgettingShare) ? 'forgetting' : undefined
  const last = which.happens(brokersShare) ? 'brokers' : which.happens(compactingShare) ? 'compacting' : undefined
  const slow = which.happens(sweepingShare) ? 'sweeping' : which.happens(deletingShare) ? 'deleting' : 'any'
  const drawn = rare ?? often ?? other ?? last ?? slow
  return draws[only ?? drawn](chance)
}
