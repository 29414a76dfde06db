/** Cores, topics and batches that every workload begins with. */
import { type AppendOutcome, append } from '../../src/log/append.ts'
import type { Topic } from '../../src/log/topics.ts'
import { encodeBatch } from '../../src/protocol/records/batch.ts'
import type { Clock, Random } from '../../src/runtime/clock.ts'
import type { Core } from '../../src/runtime/core.ts'
import { freshMemory } from '../../src/runtime/memory.ts'
import { defaultSettings } from '../../src/runtime/settings.ts'
import type { Stores } from '../../src/store/stores.ts'

/** Every workload begins at this moment: 1 January 2026. */
export const startMs = 1_767_225_600_000

/** What each store call takes where round trips are counted. */
export const tickMs = 4

/** A process that has seen nothing yet. */
export const coreOf = (stores: Pick<Stores, 'items' | 'objects'>, clock: Clock, random: Random): Core => ({
  items: stores.items,
  objects: stores.objects,
  clock,
  random,
  settings: defaultSettings,
  memory: freshMemory(defaultSettings.cacheBytes),
})

/** The same stores seen by a process of its own. */
export const anotherProcess = (core: Core): Core => ({ ...core, memory: freshMemory(defaultSettings.cacheBytes) })

/** One uncompressed batch of records without keys; values cannot be compressed away. */
export function batchOf(records: number, valueBytes: number, timestampMs: number): Uint8Array {
  const value = new Uint8Array(valueBytes).fill(0x78)
  return encodeBatch(Array.from({ length: records }, () => ({ timestampMs, key: null, value, headers: [] })))
}

/** Appends to partition 0 and says where; a refusal ends the bench. */
export async function send(core: Core, topic: Topic, records: Uint8Array): Promise<number> {
  const [outcome]: readonly AppendOutcome[] = await append(core, topic, [{ partition: 0, records }])
  if (!outcome || 'error' in outcome) throw new Error('an append was refused', { cause: outcome?.error })
  return outcome.baseOffset
}
