/** One run: a cluster in some weather, its clients, the storm's end, and a last look at everything. */
import { memoryStores } from '../src/store/embedded/memory.ts'
import { check } from './checker.ts'
import { type Client, pause, type World } from './client.ts'
import { type Cluster, cluster } from './cluster.ts'
import { lookForContradictions } from './contradictions.ts'
import { gather } from './crowd.ts'
import { type Creations, comeAndGo, lookForRemains } from './deleting.ts'
import { emptyTally, type Tally } from './faults.ts'
import type { Anomaly, Event, History } from './history.ts'
import { type Brokers, brokers } from './kafka/brokers.ts'
import { type KafkaClient, kafkaClient } from './kafka/client.ts'
import { readAsKafka } from './kafka/consumers.ts'
import { groupsByKafka } from './kafka/groups.ts'
import { lookAtAll, loseOne } from './kafka/looks.ts'
import { produceAsKafka } from './kafka/producers.ts'
import { beginConnections } from './kafka/wire.ts'
import { beginKeyed, keyedConfigs, scanAll, scanKeys, writeKeys } from './keyed.ts'
import { lastLook } from './last-look.ts'
import type { Limits } from './limits.ts'
import { beginCommits } from './members.ts'
import type { Network } from './network.ts'
import { lookForOrphans } from './orphans.ts'
import { beginAttempts, produce, produceOnce } from './producers.ts'
import { produceInSequence } from './producers-idempotent.ts'
import { type Chance, seeded } from './random.ts'
import { read } from './readers.ts'
import { changeRetention } from './retention.ts'
import { drawScene, type Scene } from './scenes.ts'
import { catchUp, keepUp } from './schedule.ts'
import { epochMs, simulatedTime } from './time.ts'
import { create } from './topics.ts'

export type Outcome = {
  readonly seed: number
  readonly history: History
  readonly anomalies: readonly Anomaly[]
  readonly tally: Tally
  readonly storeCalls: number
  readonly simulatedMs: number
  /** Things that happened one after the other: answers, wake-ups, arrivals. */
  readonly steps: number
  readonly kills: number
  readonly freezes: number
  /** The store calls, oldest first, for whoever looks into an anomaly; each begins with its time. */
  readonly trace: readonly string[]
}

/** The same seed gives the same history, byte for byte. */
export async function run(seed: number, limits: Limits = {}): Promise<Outcome> {
  beginAttempts()
  beginCommits()
  beginKeyed()
  beginConnections()
  const chance = seeded(seed)
  const scene = drawScene(chance, limits.scene)
  const time = simulatedTime()
  const stores = memoryStores(time.now, { forgets: scene.retention !== undefined })
  const net: Network = {
    time,
    chance: chance.fork('network'),
    tally: emptyTally(),
    stores,
    laggards: [],
    weather: scene.weather,
    trace: [],
  }
  const lot = chance.fork('servers')
  const kafka = scene.brokers && brokers(net, scene.brokers, scene.servers, lot)
  const servers = kafka ?? cluster(net, scene, lot)
  const history: Event[] = []
  let failure: unknown
  let done = false
  play(scene, chance, net, servers, kafka, history, limits)
    .catch((error) => {
      failure = error
    })
    .finally(() => {
      done = true
    })
  await time.run(() => done || time.events > eventsMost)
  if (!done) failure ??= time.events > eventsMost ? endless : standstill
  return {
    seed,
    history,
    anomalies: failure ? [crash(failure, history)] : check(history),
    tally: net.tally,
    storeCalls: [...net.tally.calls.values()].reduce((sum, calls) => sum + calls, 0),
    simulatedMs: time.now() - epochMs,
    steps: time.events,
    kills: servers.kills,
    freezes: servers.freezes,
    trace: net.trace,
  }
}

/** Ten times what a run takes at most: told by what happens in it, whatever the machine has to do beside it. */
const eventsMost = 1_000_000
const standstill = new Error('nothing is left to come, and the clients still wait')
const endless = new Error(`after ${eventsMost} events there is no end`)

const crash = (failure: unknown, history: History): Anomaly => ({
  name: failure === standstill ? 'standstill' : failure === endless ? 'takes-too-long' : 'unexpected-error',
  what: String(failure instanceof Error ? failure.stack : failure),
  events: history.slice(-5),
})

async function play(
  scene: Scene,
  chance: Chance,
  net: Network,
  servers: Cluster,
  kafka: Brokers | undefined,
  history: Event[],
  limits: Limits,
) {
  const { time } = net
  const { partitions, lengthMs, thinkMs, paddings, recordsMax } = scene
  const admin = { name: 'admin', chance: chance.fork('admin') }
  const rival = { name: 'rival', chance: chance.fork('rival') }
  const [keptMs] = scene.retention?.choicesMs ?? [-1]
  const configs = scene.rolling ? { 'segment.ms': String(scene.rolling.segmentMs), 'retention.ms': String(keptMs) } : {}
  const { keyed } = scene
  const allConfigs = { ...configs, ...(keyed ? keyedConfigs(keyed) : {}) }
  const creators = scene.rivals ? [admin, rival] : [admin]
  const made = await Promise.all(
    creators.map((one) => create({ time, cluster: servers, history }, one, 'orders', partitions, allConfigs)),
  )
  const topicId = made[0] ?? ''
  if (made.some((id) => id !== topicId)) throw new Error('one name was given to two topics')
  const world: World = {
    time,
    cluster: servers,
    history,
    topic: 'orders',
    topicId,
    partitions,
    paddings,
    recordsMax,
    untilMs: time.now() + Math.min(lengthMs, limits.lengthMs ?? lengthMs),
  }
  history.push({ atMs: time.now(), client: 'admin', kind: 'created', topic: 'orders', topicId, partitions })
  if (scene.retention) {
    history.push({ atMs: time.now(), client: 'admin', kind: 'retention-sent', attempt: 'r', topicId, ms: keptMs })
    history.push({ atMs: time.now(), client: 'admin', kind: 'retention-acked', attempt: 'r' })
  }
  if (keyed) {
    const { tombstoneMs } = keyed
    history.push({ atMs: time.now(), client: 'admin', kind: 'keyed-topic', tombstoneMs, topicId })
  }
  const client = (name: string): Client => ({ name, world, chance: chance.fork(name) })
  const several = (count: number, max: number | undefined, name: string, live: (one: Client) => Promise<void>) =>
    Array.from({ length: Math.min(count, max ?? count) }, (_, at) => live(client(`${name}-${at}`)))
  const kafkaClients = new Map<string, KafkaClient>()
  const kafkaAs = (one: Client): KafkaClient => {
    if (!kafka) throw new Error('there is no broker')
    const known = kafkaClients.get(one.name) ?? kafkaClient(one, kafka)
    kafkaClients.set(one.name, known)
    return known
  }
  const door = kafka && groupsByKafka(kafkaAs)
  const team = scene.team && gather(scene.team, world, client, door)
  const { rolling } = scene
  const schedule = client('schedule')
  const { deleting } = scene
  const passing: Creations = { gone: [], kept: [] }
  const story = async () => {
    await Promise.all([
      ...several(scene.producers, limits.producers, 'producer', (one) => produce(one, thinkMs)),
      ...several(scene.onceProducers, limits.producers, 'once', (one) => produceOnce(one, thinkMs)),
      ...several(scene.sequenced ?? 0, limits.producers, 'sequenced', (one) => produceInSequence(one, scene.pauses)),
      ...several(scene.readers, limits.readers, 'reader', (one) => read(one, thinkMs)),
      ...(kafka ? [kafka.roll(world.untilMs)] : []),
      ...several(scene.kafkaProducers ?? 0, limits.producers, 'idempotent', (one) =>
        produceAsKafka(kafkaAs(one), thinkMs),
      ),
      ...several(scene.kafkaReaders ?? 0, limits.readers, 'consumer', (one) => readAsKafka(kafkaAs(one), thinkMs)),
      ...several(keyed?.writers ?? 0, limits.producers, 'writer', (one) =>
        keyed ? writeKeys(one, keyed, thinkMs) : pause(time, 0),
      ),
      ...several(keyed?.readers ?? 0, limits.readers, 'scanner', (one) => scanKeys(one, thinkMs)),
      ...(deleting ? [comeAndGo(client('deleter'), deleting, passing)] : []),
      ...(scene.retention ? [changeRetention(client('keeper'), scene.retention)] : []),
      ...(rolling
        ? [
            keepUp(
              schedule,
              () => rolling.pauseMs,
              () => time.now() >= world.untilMs,
            ),
          ]
        : []),
    ])
    net.weather = { write: 0, read: 0 }
    servers.heal()
    if (kafka) await lookAtAll(client('looker'), kafka)
    await team?.settle()
    if (kafka) await loseOne(client('looker'), kafka)
    // Whatever is still on its way, or asleep, comes and does its worst.
    await pause(time, scene.restMs ?? 12 * 3_600_000)
    if (kafka) await lookAtAll(client('looker'), kafka)
    await team?.settleAnew()
    if (rolling) await catchUp(schedule)
    if (deleting) await lookForRemains(client('deleter'), schedule, net.stores, passing.gone)
    for (const kept of passing.kept) await lastLook({ ...client('last-passing'), world: kept })
    await (keyed ? scanAll(client('last')) : lastLook(client('last')))
    await lookForContradictions(client('last'))
    if (scene.swept) await lookForOrphans(client('last'), schedule, net.stores)
  }
  await Promise.race([story(), ...(team ? [team.broken] : []), ...(kafka ? [kafka.broken] : [])])
}
