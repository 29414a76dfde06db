import { isChunk, isSegment, readEntryRow } from '../../src/log/entry.ts'
import { indexPk, type PartitionId } from '../../src/log/keys.ts'
import { createTopic, type Topic } from '../../src/log/topics.ts'
import type { PartitionsReport } from '../../src/maintenance/partitions-task.ts'
import type { Core } from '../../src/runtime/core.ts'
import { readAll, send } from '../log/core.ts'
import { minuteMs, newMaintainedWorld } from './kit.ts'

/** A world with one topic, whose log the schedule looks after. */
export async function newLogWorld(
  configs: Record<string, string> = {},
  partitions = 1,
  settings: Parameters<typeof newMaintainedWorld>[0] = {},
) {
  const world = newMaintainedWorld(settings)
  const topic = await world.during(createTopic(world.core, { name: 'orders', partitions, configs }))
  const id: PartitionId = { topicId: topic.id, partition: 0 }
  return {
    ...world,
    topic,
    id,
    /** Appends each value as a batch of its own, some milliseconds apart. */
    async fill(values: readonly string[], partition = 0, core: Core = world.core): Promise<void> {
      for (const value of values) {
        await world.during(send(core, topic, partition, [value], core.clock.now()))
        await world.pass(5)
      }
    },
    /** A run after so long; throws what a partition failed with. */
    async maintainAfter(ms: number, by: Core = world.core): Promise<PartitionsReport> {
      await world.pass(ms)
      const { partitions: report } = await world.run(by)
      if (report.error) throw report.error
      return report
    },
    entries: (partition = 0) => entriesOf(world.core, { topicId: topic.id, partition }),
    /** Everything, as a server that knows nothing yet reads it. */
    readAnew: (maxBytes?: number, offset = 0, partition = 0) =>
      world.during(readAll(world.server(), topic, partition, offset, maxBytes)),
  }
}

export type LogWorld = Awaited<ReturnType<typeof newLogWorld>>

/** The index as it stands. */
export async function entriesOf(core: Core, id: PartitionId) {
  const rows = await core.items.query({ pk: indexPk(id), limit: 100_000 })
  const entries = rows.map((row) => readEntryRow(id, row))
  return { all: entries, chunks: entries.filter(isChunk), segments: entries.filter(isSegment) }
}

/** So many values of all sizes: inside a ref, as an item, as an object. */
export const mixedValues = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${at}:${'x'.repeat([3, 600, 40, 9_000, 3][at % 5] ?? 0)}`)

export const hourMs = 60 * minuteMs
export type { Topic }
