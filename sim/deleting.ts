/**
 * A second topic, beside the one that stays: written and read, deleted in the middle of it, and created again under its name, time and
 * again, while the schedule removes what is left of it. Requests for both come to the same brokers, so that they share blobs.
 */
import { fetch } from '../src/log/fetch.ts'
import {
  compactionKey,
  headKey,
  indexPk,
  segmentObjectsPrefix,
  spilledProducersPk,
  upkeepKey,
} from '../src/log/keys.ts'
import { knownTopic } from '../src/log/topics.ts'
import type { Stores } from '../src/store/stores.ts'
import { ask, type Client, note, pause, type World } from './client.ts'
import type { Fate } from './cluster.ts'
import type { Weather } from './faults.ts'
import { sendBoth, sendOne } from './producers.ts'
import type { Chance } from './random.ts'
import { recordsFrom } from './readers.ts'
import type { Scene } from './scenes.ts'
import { fire } from './schedule.ts'
import { create, remove } from './topics.ts'

export type DeletingScene = {
  /** How long a creation lives at most. */
  readonly lifeMs: number
  readonly partitions: number
  readonly writers: number
  readonly thinkMs: number
}

const name = 'passing'

/** Of each creation, by what it is to its clients. */
export type Creations = { readonly gone: World[]; readonly kept: World[] }

export async function comeAndGo(admin: Client, scene: DeletingScene, creations: Creations): Promise<void> {
  const { world, chance } = admin
  const lives: Promise<unknown>[] = []
  for (let creation = 0; world.time.now() < world.untilMs; creation++) {
    const { partitions, thinkMs, lifeMs } = scene
    const topicId = await create(world, admin, name, partitions, { 'segment.ms': chance.pick(['1', '600000']) })
    const diesMs = world.time.now() + chance.between(lifeMs / 4, lifeMs)
    // Its clients go on for a while after it has gone.
    const own = { ...world, topic: name, topicId, partitions, byId: true, untilMs: diesMs + lifeMs / 4 }
    note(admin, { kind: 'created', topic: name, topicId, partitions })
    const client = (role: string): Client => {
      const called = `${name}-${creation}-${role}`
      return { name: called, world: own, chance: chance.fork(called) }
    }
    for (let at = 0; at < scene.writers; at++) lives.push(write(client(`writer-${at}`), admin, thinkMs))
    lives.push(follow(client('reader'), thinkMs))
    await pause(world.time, diesMs - world.time.now())
    if (diesMs >= world.untilMs) {
      creations.kept.push(own)
      break
    }
    await remove(client('remover'))
    note(admin, { kind: 'deleted', topicId })
    creations.gone.push(own)
  }
  await Promise.all(lives)
}

async function write(client: Client, staying: Client, thinkMs: number): Promise<void> {
  const { world, chance } = client
  while (world.time.now() < world.untilMs) {
    await (chance.happens(0.5) ? sendBoth(client, { ...client, world: staying.world }) : sendOne(client))
    await pause(world.time, chance.between(0, thinkMs))
  }
}

/** From the start on, as far as it comes. */
async function follow(client: Client, thinkMs: number): Promise<void> {
  const { world, chance } = client
  const { topicId } = world
  const next = new Array<number>(world.partitions).fill(0)
  while (world.time.now() < world.untilMs) {
    const partition = chance.below(world.partitions)
    const from = next[partition] ?? 0
    const answer = await ask(client, async (core) => {
      const topic = await knownTopic(core, name)
      const asked = { topic, partition, offset: from, maxBytes: 20_000 }
      return fetch(core, { partitions: [asked], maxBytes: 20_000, minBytes: 0, maxWaitMs: 0 })
    })
    const [one] = 'value' in answer ? answer.value : []
    // Another topic may bear the name before or after it.
    if (one && 'batches' in one && one.topic.id === topicId) {
      const { highWatermark, logStartOffset: logStart } = one
      const records = await recordsFrom(one.batches, from)
      note(client, { kind: 'read', from, records, highWatermark, logStart, topicId, partition })
      next[partition] = (records.at(-1)?.offset ?? from - 1) + 1
    }
    await pause(world.time, chance.between(0, thinkMs))
  }
}

/** After everything healed, and every job has been worked off: what is left of those that are gone. */
export async function lookForRemains(
  admin: Client,
  schedule: Client,
  { items, objects }: Stores,
  gone: readonly World[],
) {
  for (const afterMs of [1, 61, 61, 61].map((minutes) => minutes * 60_000)) {
    await pause(admin.world.time, afterMs)
    await fire(schedule)
  }
  for (const { topicId, partitions } of gone) {
    for (let partition = 0; partition < partitions; partition++) {
      const id = { topicId, partition }
      const pks = [headKey(id), upkeepKey(id), compactionKey(id)]
      const single = await Promise.all(pks.map(async (key) => ((await items.get(key)) ? [`${key.pk} ${key.sk}`] : [])))
      const rows = await Promise.all(
        [indexPk(id), spilledProducersPk(id)].map(async (pk) =>
          (await items.query({ pk, limit: 1_000 })).map(({ sk }) => `${pk} ${sk}`),
        ),
      )
      const segments = await objects.list(segmentObjectsPrefix(id), { limit: 1_000 })
      const left = [...single.flat(), ...rows.flat(), ...segments.map(({ key }) => key)]
      if (left.length > 0) note(admin, { kind: 'left-behind', topicId, partition, left })
    }
  }
}

const minuteMs = 60_000

export const drawDeleting = (chance: Chance): Scene => {
  const lengthMs = chance.between(40, 150) * minuteMs
  const thinkMs = lengthMs / chance.pick([30, 60])
  return {
    weather: chance.pick(weathers),
    fate: chance.pick(fates),
    servers: 1 + chance.below(2),
    cold: false,
    together: true,
    partitions: chance.pick([1, 2]),
    rivals: false,
    lengthMs,
    thinkMs,
    paddings: chance.pick<Scene['paddings']>([[300], [300, 1_500, 9_000]]),
    recordsMax: 2,
    ...{ producers: 1, onceProducers: 0, readers: 1, sequenced: 0 },
    rolling: {
      segmentMs: chance.pick([minuteMs, 600 * minuteMs]),
      pauseMs: chance.pick([2 * minuteMs, 20 * minuteMs]),
    },
    deleting: {
      lifeMs: lengthMs / chance.pick([2, 5]),
      partitions: chance.pick([1, 2]),
      writers: 2,
      thinkMs,
    },
  }
}

/** Whatever comes comes within the hour that a job waits for it, however long its sender slept before. */
const minutes = [3, 6] as const
const weathers: readonly [Weather, ...Weather[]] = [
  { write: 0, read: 0 },
  { write: 0.1, read: 0.02, lateness: minutes },
  { write: 0.4, read: 0.05, lateness: minutes },
]
const fates: readonly [Fate, ...Fate[]] = [
  { kill: 0, freeze: 0, clocks: 'right' },
  { kill: 0.005, freeze: 0.005, clocks: 'right', sleep: minutes },
  { kill: 0, freeze: 0.03, clocks: 'apart', sleep: minutes },
]
