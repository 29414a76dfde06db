/** What a member owns by its assignment, and the fences that make it so. */
import { findTopic } from '../log/topics.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { settled } from './group.ts'
import { raiseFence } from './offsets.ts'
import { decodeAssignment, type TopicPartitions } from './protocol.ts'
import type { OwnedPartition } from './sync.ts'

const atOnce = 32

/**
 * Raises the fence of every partition of an assignment, and returns them with what was committed there. Topics and partitions
 * that do not exist are left out; so is an assignment that nobody can read.
 * @throws KafkaError ILLEGAL_GENERATION: a newer owner was there before. StoreError
 */
export async function own(core: Core, group: string, fence: number, assignment: Uint8Array): Promise<OwnedPartition[]> {
  const topics = await inParallel(atOnce, partitionsIn(assignment), async ({ topic: name, partitions }) => {
    const topic = await settled(core, () => findTopic(core, name))
    if (!topic) return []
    const known = [...new Set(partitions)].filter((partition) => partition >= 0 && partition < topic.partitions)
    return known.map((partition) => ({ topic: name, topicId: topic.id, partition }))
  })
  return inParallel(atOnce, topics.flat(), async (owned) => {
    const committed = await raiseFence(core, group, owned, fence)
    return committed ? { ...owned, committed } : owned
  })
}

function partitionsIn(assignment: Uint8Array): readonly TopicPartitions[] {
  if (assignment.length === 0) return []
  try {
    return decodeAssignment(assignment).partitions
  } catch (error) {
    if (error instanceof KafkaError) return []
    throw error
  }
}
