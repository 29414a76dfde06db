/** Commits of what an instance has handed out: asked for, or by themselves. */
import { type Committer, commitOffsets } from '../../groups/offsets.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Core } from '../../runtime/core.ts'
import { StoreError } from '../../store/errors.ts'
import type { AssignedPartition, Instance } from './instance-item.ts'

/** Who commits: a member in its generation, or a consumer outside of group membership. */
export const committerOf = ({ subscription, memberId, generation }: Instance): Committer | undefined =>
  subscription ? { memberId, generation } : undefined

const isUncommitted = ({ position, committed }: AssignedPartition): boolean =>
  position !== null && position !== committed

/** Stores every position, and returns the partitions with what is committed now. @throws KafkaError, StoreError */
async function commitPositions(core: Core, instance: Instance): Promise<readonly AssignedPartition[]> {
  const entries = instance.assigned.flatMap(({ topicId, partition, position }) =>
    position === null ? [] : [{ topicId, partition, offset: position }],
  )
  await commitOffsets(core, instance.group, entries, committerOf(instance))
  return instance.assigned.map((entry) => ({ ...entry, committed: entry.position }))
}

/** Whether there is something that auto commit has left lying for its whole interval. */
export const isCommitDue = (core: Core, instance: Instance): boolean =>
  instance.commitEveryMs > 0 &&
  core.clock.now() - instance.commitMs >= instance.commitEveryMs &&
  instance.assigned.some(isUncommitted)

/**
 * Auto commit of what earlier polls handed out, if it is on. Whatever refuses it stands in nobody's way, as in Java's consumer: a
 * store in trouble is asked again later, and what a member may no longer commit is read again by whoever owns it.
 */
export async function autoCommit(core: Core, instance: Instance): Promise<Instance> {
  if (instance.commitEveryMs === 0 || !instance.assigned.some(isUncommitted)) return instance
  try {
    const waiting = instance.assigned.filter(isUncommitted)
    await commitPositions(core, { ...instance, assigned: waiting })
    const assigned = instance.assigned.map((entry) => ({ ...entry, committed: entry.position }))
    return { ...instance, assigned, commitMs: core.clock.now() }
  } catch (error) {
    if (error instanceof KafkaError || error instanceof StoreError) return { ...instance, commitMs: core.clock.now() }
    throw error
  }
}
