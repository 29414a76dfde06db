/** Readers, which follow the log and sometimes begin again, and committers. */
import { commitOffsets, fetchOffsets } from '../../../src/groups/offsets.ts'
import { fetch } from '../../../src/log/fetch.ts'
import { partitionBounds } from '../../../src/log/offsets.ts'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { decodeBatch } from '../../../src/protocol/records/batch.ts'
import type { Core } from '../../../src/runtime/core.ts'
import { StoreError } from '../../../src/store/errors.ts'
import { knownOf } from './outcome.ts'
import { valueIn } from './values.ts'
import type { World } from './workload.ts'

export type SeenRecord = { readonly offset: number; readonly value: string }

/** Records from an offset on, as many as one fetch gives. @throws KafkaError, StoreError */
export async function readFrom(world: World, core: Core, partition: number, offset: number, maxWaitMs: number) {
  const maxBytes = 64 * 1024
  const asked = { topic: world.topic, partition, offset, maxBytes }
  const [fetched] = await fetch(core, { partitions: [asked], maxBytes, minBytes: 1, maxWaitMs })
  if (!fetched) throw new Error('a partition was not answered')
  if ('error' in fetched) throw fetched.error
  const records: SeenRecord[] = []
  for (const batch of fetched.batches) {
    for (const record of await decodeBatch(batch)) {
      if (record.offset >= offset) records.push({ offset: record.offset, value: valueIn(record.value) })
    }
  }
  return { records, highWatermark: fetched.highWatermark, logStart: fetched.logStartOffset }
}

export async function reader(world: World, client: string, partition: number): Promise<void> {
  const tell = world.recorder.as(client)
  const where = { topicId: world.topic.id, partition }
  let next = 0
  while (world.producing()) {
    const core = world.anyServer()
    try {
      const seen = await readFrom(world, core, partition, next, 50)
      tell({ kind: 'read', ...where, from: next, ...seen })
      world.count('read')
      next = (seen.records.at(-1)?.offset ?? next - 1) + 1
      if (world.below(8) === 0) {
        tell({ kind: 'bounds', ...where, ...(await partitionBounds(core, world.topic, partition)) })
        next = world.below(next + 1)
      }
    } catch (error) {
      if (!isRetriable(error)) tell({ kind: 'read-failed', ...where, from: next, error: String(error) })
      world.count('read failed')
    }
  }
}

const isRetriable = (error: unknown): boolean =>
  (error instanceof KafkaError || error instanceof StoreError) && error.retriable

/** The only committer of its group: goes forward, and looks now and then, through another server, at what stands there. */
export async function committer(world: World, group: string, partition: number, commits: number): Promise<void> {
  const tell = world.recorder.as(group)
  const where = { topicId: world.topic.id, partition }
  for (let offset = 1; offset <= commits; offset++) {
    const attempt = world.recorder.newAttempt()
    tell({ kind: 'commit-sent', attempt, group, offset, ...where })
    try {
      await commitOffsets(world.anyServer(), group, [{ ...where, offset }])
      world.count('commit acknowledged')
      tell({ kind: 'commit-acked', attempt })
    } catch (error) {
      world.count(`commit ${knownOf(error).known}`)
      tell({ kind: 'commit-unknown', attempt })
    }
    if (world.below(4) === 0) await lookUp(world, world.anyServer(), group, partition).catch(knownOf)
  }
}

export async function lookUp(world: World, core: Core, group: string, partition: number): Promise<void> {
  const where = { topicId: world.topic.id, partition }
  const [found] = await fetchOffsets(core, group, [where])
  world.recorder.as(group)({ kind: 'committed', group, ...where, offset: found?.offset ?? null })
}
