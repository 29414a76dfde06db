/**
 * Several servers over the same stores, behind a network that fails them, and clients that call any of them. Afterwards the
 * network heals, what is late arrives, and everything is read back. What the clients saw is told as a history, to be judged.
 */
import type { History } from '../../../sim/history.ts'
import { append } from '../../../src/log/append.ts'
import { createTopic, type Topic } from '../../../src/log/topics.ts'
import { encodeBatch } from '../../../src/protocol/records/batch.ts'
import type { Core } from '../../../src/runtime/core.ts'
import { committer, lookUp, reader, readFrom, type SeenRecord } from './consumers.ts'
import { generator } from './plan.ts'
import { idempotentProducer, plainProducer } from './producers.ts'
import type { FaultyProxy } from './proxy.ts'
import { type Recorder, recorder } from './recorder.ts'
import { bytesOf } from './values.ts'

export type World = {
  readonly topic: Topic
  readonly recorder: Recorder
  below(bound: number): number
  anyServer(): Core
  producing(): boolean
  count(what: string): void
}

export type Run = {
  readonly history: History
  /** How often each outcome was seen. */
  readonly counts: ReadonlyMap<string, number>
}

const plainProducers = 6
const idempotentProducers = 4
const committers = 2
const partitions = 2

/** `patient`: a server that waits as long as it takes, for what comes before the faults and after. */
export async function runWorkload(
  servers: readonly Core[],
  patient: Core,
  proxies: readonly FaultyProxy[],
  seed: number,
  requestsEach: number,
): Promise<Run> {
  const topic = await createTopic(patient, { name: `faults-${seed}`, partitions })
  const counts = new Map<string, number>()
  const below = generator(seed)
  let producing = true
  const world: World = {
    topic,
    recorder: recorder(),
    below,
    anyServer: () => servers[below(servers.length)] ?? patient,
    producing: () => producing,
    count: (what) => counts.set(what, (counts.get(what) ?? 0) + 1),
  }
  world.recorder.as('admin')({ kind: 'created', topic: topic.name, topicId: topic.id, partitions })
  for (const proxy of proxies) proxy.trouble()
  const groups = Array.from({ length: committers }, (_, at) => `group${at}`)
  const readers = Array.from({ length: partitions }, (_, at) => reader(world, `reader${at}`, at))
  const writers = Promise.all([
    ...Array.from({ length: plainProducers }, (_, at) => plainProducer(world, `p${at}`, requestsEach)),
    ...Array.from({ length: idempotentProducers }, (_, at) => idempotentProducer(world, `i${at}`, requestsEach)),
    ...groups.map((group, at) => committer(world, group, at % partitions, requestsEach)),
  ])
  await writers.finally(() => {
    producing = false
  })
  await Promise.all(readers)
  for (const proxy of proxies) {
    proxy.calm()
    counts.set('late until the end', (counts.get('late until the end') ?? 0) + (await proxy.deliverLate()))
  }
  for (const [at, group] of groups.entries()) await lookUp(world, patient, group, at % partitions)
  for (let partition = 0; partition < partitions; partition++) await readBack(world, patient, partition)
  return { history: world.recorder.history, counts }
}

/** A last append, and then all there is, as a patient reader sees it. */
async function readBack(world: World, core: Core, partition: number): Promise<void> {
  const tell = world.recorder.as('last')
  const where = { topicId: world.topic.id, partition }
  const value = `last.${partition}.0`
  const attempt = world.recorder.newAttempt()
  const record = { timestampMs: Date.now(), key: null, value: bytesOf(value), headers: [] }
  tell({ kind: 'append-sent', attempt, values: [value], ...where })
  const [outcome] = await append(core, world.topic, [{ partition, records: encodeBatch([record]) }])
  const appendable = outcome !== undefined && !('error' in outcome)
  if (appendable) tell({ kind: 'append-acked', attempt, baseOffset: outcome.baseOffset })
  else tell({ kind: 'append-unknown', attempt })

  const records: SeenRecord[] = []
  let logStart = 0
  let end = -1
  for (let next = 0; next !== end; ) {
    const seen = await readFrom(world, core, partition, next, 0)
    records.push(...seen.records)
    logStart = seen.logStart
    end = seen.highWatermark
    const reached = (seen.records.at(-1)?.offset ?? next - 1) + 1
    if (reached === next && next !== end) break
    next = reached
  }
  const complete = (records.at(-1)?.offset ?? -1) + 1 === end
  tell({ kind: 'final', ...where, records, logStart, end, complete, appendable })
}
