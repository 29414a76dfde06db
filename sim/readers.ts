/** Readers: each follows the partitions from offset to offset, now and then begins anew, commits, and looks offsets up. */
import { commitOffsets, fetchOffsets } from '../src/groups/offsets.ts'
import { fetch } from '../src/log/fetch.ts'
import { listOffset, partitionBounds } from '../src/log/offsets.ts'
import { knownTopic } from '../src/log/topics.ts'
import { KafkaError } from '../src/protocol/errors.ts'
import { decodeBatch } from '../src/protocol/records/batch.ts'
import { ask, type Client, isRetriable, note, pause } from './client.ts'
import { epochMs } from './time.ts'

/** The records of a fetch from its offset on, as a client would take them out of the batches. */
export async function recordsFrom(batches: readonly Uint8Array[], from: number) {
  const records: { offset: number; value: string }[] = []
  for (const batch of batches) {
    for (const { offset, value } of await decodeBatch(batch)) {
      if (offset >= from) records.push({ offset, value: Buffer.from(value ?? []).toString() })
    }
  }
  return records
}

export async function read(client: Client, thinkMs: number): Promise<void> {
  const { world, chance } = client
  const positions = new Array<number>(world.partitions).fill(0)
  let commits = 0
  while (world.time.now() < world.untilMs) {
    const partition = chance.below(world.partitions)
    const from = positions[partition] ?? 0
    const read = await readOnce(client, partition, from)
    const next = read === 'out of range' ? await earliest(client, partition) : read
    if (next !== undefined) positions[partition] = chance.happens(0.03) ? chance.below(next + 1) : next
    if (chance.happens(0.1)) await lookUp(client, partition)
    if (next !== undefined && chance.happens(0.4)) await commit(client, partition, next, `c${commits++}`)
    await pause(world.time, chance.between(0, thinkMs))
  }
}

/** As `auto.offset.reset=earliest` goes on. */
async function earliest(client: Client, partition: number): Promise<number | undefined> {
  const { world } = client
  const answer = await ask(client, async (core) =>
    partitionBounds(core, await knownTopic(core, world.topic), partition),
  )
  if (!('value' in answer)) return undefined
  note(client, { kind: 'bounds', ...answer.value, topicId: world.topicId, partition })
  return answer.value.earliest
}

/** One fetch; the offset to go on from, or `undefined` where it failed in a way that passes. */
export async function readOnce(
  client: Client,
  partition: number,
  from: number,
): Promise<number | 'out of range' | undefined> {
  const { world, chance } = client
  const where = { topicId: world.topicId, partition }
  const maxBytes = chance.pick([1, 200, 2_000, 20_000, 1_000_000])
  const maxWaitMs = chance.pick([0, 0, 50, 500])
  const answer = await ask(client, async (core) => {
    const topic = await knownTopic(core, world.topic)
    const partitions = [{ topic, partition, offset: from, maxBytes }]
    return fetch(core, { partitions, maxBytes, minBytes: chance.pick([0, 1, 1, 500]), maxWaitMs })
  })
  if (!('value' in answer)) {
    if ('error' in answer && !isRetriable(answer))
      note(client, { kind: 'read-failed', from, error: answer.error.message, ...where })
    return undefined
  }
  const [fetched] = answer.value
  if (!fetched) throw new Error('a fetch was not answered for its partition')
  if ('error' in fetched) {
    if (fetched.error.error !== 'KAFKA_STORAGE_ERROR')
      note(client, { kind: 'read-failed', from, error: fetched.error.error, ...where })
    return fetched.error.error === 'OFFSET_OUT_OF_RANGE' ? 'out of range' : undefined
  }
  const { batches, highWatermark, logStartOffset: logStart } = fetched
  const records = await recordsFrom(batches, from)
  note(client, { kind: 'read', from, records, highWatermark, logStart, ...where })
  return (records.at(-1)?.offset ?? from - 1) + 1
}

async function lookUp(client: Client, partition: number): Promise<void> {
  const { world, chance } = client
  const where = { topicId: world.topicId, partition }
  if (chance.happens(0.5)) {
    const answer = await ask(client, async (core) =>
      partitionBounds(core, await knownTopic(core, world.topic), partition),
    )
    if ('value' in answer) note(client, { kind: 'bounds', ...answer.value, ...where })
    return
  }
  const timestampMs = Math.floor(chance.between(epochMs, world.time.now()))
  const answer = await ask(client, async (core) =>
    listOffset(core, await knownTopic(core, world.topic), partition, { timestampMs }),
  )
  if ('value' in answer) note(client, { kind: 'by-time', timestampMs, offset: answer.value.offset, ...where })
}

/** Offsets of one group and partition are committed by one client, in growing order, each after the last was answered. */
async function commit(client: Client, partition: number, offset: number, attempt: string): Promise<void> {
  const { world } = client
  const group = client.name
  const where = { topicId: world.topicId, partition }
  const before = await ask(client, (core) => fetchOffsets(core, group, [where]))
  if (!('value' in before)) return
  const committed = before.value[0]?.offset ?? null
  note(client, { kind: 'committed', group, offset: committed, ...where })
  if (offset <= (committed ?? -1)) return
  note(client, { kind: 'commit-sent', attempt, group, offset, ...where })
  const answer = await ask(client, (core) => commitOffsets(core, group, [{ ...where, offset }]))
  if ('value' in answer) return note(client, { kind: 'commit-acked', attempt })
  if ('error' in answer && answer.error instanceof KafkaError) throw answer.error
  note(client, { kind: 'commit-unknown', attempt })
}
