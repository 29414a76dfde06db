/** Clients of a compacted topic: some write a few keys again and again, others read all of it and write down what it holds. */
import { fetch } from '../src/log/fetch.ts'
import { partitionBounds } from '../src/log/offsets.ts'
import { knownTopic } from '../src/log/topics.ts'
import { decodeBatch, encodeBatch, readBatchHeader } from '../src/protocol/records/batch.ts'
import { ask, type Client, note, pause } from './client.ts'
import type { Fate } from './cluster.ts'
import type { Weather } from './faults.ts'
import type { KeyedRecord } from './keyed-events.ts'
import type { Chance } from './random.ts'
import type { Scene } from './scenes.ts'

export type KeyedScene = {
  readonly keys: number
  readonly writers: number
  readonly readers: number
  readonly tombstoneMs: number
  readonly dirtyRatio: number
}

let sent = 0
/** Attempts are numbered within a run. */
export const beginKeyed = (): void => {
  sent = 0
}

export const keyedConfigs = ({ tombstoneMs, dirtyRatio }: KeyedScene) => ({
  'cleanup.policy': 'compact',
  'delete.retention.ms': String(tombstoneMs),
  'min.cleanable.dirty.ratio': String(dirtyRatio),
})

export async function writeKeys(client: Client, { keys }: KeyedScene, thinkMs: number): Promise<void> {
  const { world, chance } = client
  while (world.time.now() < world.untilMs) {
    await writeOne(client, `k${chance.below(keys)}`)
    await pause(world.time, chance.between(0, thinkMs))
  }
}

async function writeOne(client: Client, key: string): Promise<void> {
  const { world, chance } = client
  const attempt = `w${sent++}`
  const value = chance.happens(0.25) ? null : `${attempt}${'x'.repeat(chance.pick(world.paddings))}`
  const partition = Number(key.slice(1)) % world.partitions
  const records = encodeBatch([
    {
      timestampMs: world.time.now(),
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: [],
    },
  ])
  note(client, { kind: 'keyed-sent', attempt, key, value, topicId: world.topicId, partition })
  const answer = await ask(client, async (core, append) => {
    const batches = [{ partition, records }]
    const [outcomes = []] = await append([{ topic: await knownTopic(core, world.topic), batches, byId: false }])
    return outcomes
  })
  const [outcome] = 'value' in answer ? answer.value : []
  if (outcome && 'baseOffset' in outcome) note(client, { kind: 'keyed-acked', attempt, offset: outcome.baseOffset })
  else note(client, { kind: 'keyed-unknown', attempt })
}

export async function scanKeys(client: Client, thinkMs: number): Promise<void> {
  const { world, chance } = client
  while (world.time.now() < world.untilMs) {
    await scan(client, chance.below(world.partitions), 50)
    await pause(world.time, chance.between(0, thinkMs))
  }
}

/** After everything healed. */
export async function scanAll(client: Client): Promise<void> {
  for (let partition = 0; partition < client.world.partitions; partition++) {
    const stuck = await scan(client, partition, 3_000)
    if (stuck) note(client, { kind: 'keyed-stuck', topicId: client.world.topicId, partition, ...stuck })
  }
}

/** Reads from the start to the end; gives where it stopped when it could not. */
async function scan(client: Client, partition: number, triesMax: number) {
  const { world, chance } = client
  const [beganMs, beganAt] = [world.time.now(), world.history.length]
  const records: KeyedRecord[] = []
  let at: number | undefined
  let end = 0
  for (let tries = 0; tries < triesMax; tries++) {
    const from = at
    const answer = await ask(client, async (core) => {
      const topic = await knownTopic(core, world.topic)
      const offset = from ?? (await partitionBounds(core, topic, partition)).earliest
      const maxBytes = chance.pick([300, 3_000, 1_000_000, 1_000_000])
      const [one] = await fetch(core, {
        ...{ partitions: [{ topic, partition, offset, maxBytes }], maxBytes, minBytes: 0, maxWaitMs: 0 },
      })
      return { offset, one }
    })
    const { one, offset } = 'value' in answer ? answer.value : { one: undefined, offset: 0 }
    if (!one || 'error' in one) {
      await pause(world.time, 100)
      continue
    }
    at ??= offset
    for (const batch of one.batches) {
      for (const record of await decodeBatch(batch)) if (record.offset >= at) records.push(plain(record))
      const { baseOffset, lastOffsetDelta } = readBatchHeader(batch)
      at = Math.max(at, baseOffset + lastOffsetDelta + 1)
    }
    end = one.highWatermark
    if (at < end) continue
    note(client, { kind: 'keyed-scan', beganMs, beganAt, records, topicId: world.topicId, partition })
    return undefined
  }
  return { at: at ?? 0, end }
}

const plain = ({ offset, key, value }: Awaited<ReturnType<typeof decodeBatch>>[number]): KeyedRecord => ({
  offset,
  key: Buffer.from(key ?? []).toString(),
  value: value === null ? null : Buffer.from(value).toString(),
})

const hourMs = 3_600_000

/** A few keys written for hours, rolled within minutes and compacted whenever it may be. */
export const drawCompacting = (chance: Chance): Scene => {
  const lengthMs = chance.between(1, 5) * hourMs
  return {
    weather: chance.pick(weathers),
    fate: chance.pick(fates),
    servers: 1 + chance.below(3),
    cold: chance.happens(0.3),
    partitions: chance.pick([1, 1, 2]),
    rivals: false,
    lengthMs,
    thinkMs: lengthMs / chance.pick([60, 120]),
    paddings: chance.pick<Scene['paddings']>([[90], [90, 300, 9_000]]),
    recordsMax: 1,
    ...{ producers: 0, onceProducers: 0, readers: 0 },
    rolling: { segmentMs: chance.pick([1, 60_000]), pauseMs: chance.pick([60_000, 300_000, 900_000]) },
    keyed: {
      keys: chance.pick([3, 10]),
      writers: 2 + chance.below(3),
      readers: 2,
      tombstoneMs: chance.pick([hourMs / 3, hourMs]),
      dirtyRatio: chance.pick([0, 0.3]),
    },
  }
}
const weathers: readonly [Weather, ...Weather[]] = [
  { write: 0, read: 0 },
  { write: 0.05, read: 0.02 },
  { write: 0.2, read: 0.05 },
  { write: 0.3, read: 0.05, lateness: [4.5, 6.6] },
]
const fates: readonly [Fate, ...Fate[]] = [
  { kill: 0, freeze: 0, clocks: 'right' },
  { kill: 0.005, freeze: 0.005, clocks: 'right' },
  { kill: 0.003, freeze: 0.003, clocks: 'apart' },
  { kill: 0, freeze: 0.05, clocks: 'right' },
]
