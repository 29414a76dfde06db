import { type AppendOutcome, append } from '../../src/log/append.ts'
import { type Fetched, fetch } from '../../src/log/fetch.ts'
import type { Topic } from '../../src/log/topics.ts'
import { decodeBatch, encodeBatch, readBatchHeader, type StoredRecord } from '../../src/protocol/records/batch.ts'
import type { Core } from '../../src/runtime/core.ts'
import { freshMemory } from '../../src/runtime/memory.ts'
import { defaultSettings, type Settings } from '../../src/runtime/settings.ts'
import { systemClock, systemRandom } from '../../src/runtime/system.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import type { Stores } from '../../src/store/stores.ts'

/** A server's core over stores that others may share. */
export function coreOver(stores: Pick<Stores, 'items' | 'objects'>, settings: Partial<Settings> = {}): Core {
  const chosen = { ...defaultSettings, ...settings }
  return {
    items: stores.items,
    objects: stores.objects,
    clock: systemClock,
    random: systemRandom,
    settings: chosen,
    memory: freshMemory(chosen.cacheBytes),
  }
}

export const freshCore = (settings: Partial<Settings> = {}): Core => coreOver(memoryStores(), settings)

/** One uncompressed batch of records with these values. */
export const batchOf = (values: readonly string[], timestampMs = Date.now()): Uint8Array =>
  encodeBatch(values.map((value) => ({ timestampMs, key: null, value: Buffer.from(value), headers: [] })))

/** Appends values as one batch and returns the base offset. */
export async function send(
  core: Core,
  topic: Topic,
  partition: number,
  values: readonly string[],
  timestampMs?: number,
) {
  const outcome = only(await append(core, topic, [{ partition, records: batchOf(values, timestampMs) }]))
  if ('error' in outcome) throw outcome.error
  return outcome.baseOffset
}

export function only<T>(all: readonly T[]): T {
  const [one] = all
  if (all.length !== 1 || one === undefined) throw new Error(`expected one, got ${all.length}`)
  return one
}

export function failure(outcome: AppendOutcome | Fetched): string {
  return 'error' in outcome ? outcome.error.error : 'no error'
}

export async function fetchOne(core: Core, topic: Topic, partition: number, offset: number, maxBytes = 1024 * 1024) {
  return only(
    await fetch(core, { partitions: [{ topic, partition, offset, maxBytes }], maxBytes, minBytes: 1, maxWaitMs: 0 }),
  )
}

/** Every record from an offset to the end of the log, in as many fetches as it takes. */
export async function readAll(core: Core, topic: Topic, partition: number, offset = 0, maxBytes?: number) {
  const records: StoredRecord[] = []
  let next = offset
  for (;;) {
    const fetched = await fetchOne(core, topic, partition, next, maxBytes)
    if ('error' in fetched) throw fetched.error
    if (fetched.batches.length === 0) return records
    for (const batch of fetched.batches) {
      for (const record of await decodeBatch(batch)) if (record.offset >= next) records.push(record)
    }
    // Compaction may have left a batch no records.
    const last = fetched.batches.at(-1)
    const header = last && readBatchHeader(last)
    next = header ? header.baseOffset + header.lastOffsetDelta + 1 : next
  }
}

export const text = (record: StoredRecord): string => Buffer.from(record.value ?? []).toString()
