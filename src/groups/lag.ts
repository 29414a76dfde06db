/** How far a group is behind: per partition what it has committed, where the log ends, and who owns it. */
import { readHeads } from '../log/plan.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { limits } from '../store/limits.ts'
import { describeGroup, type GroupDescription, type MemberDescription, ownersIn } from './describe.ts'
import { groupOffsets } from './group-offsets.ts'

export type PartitionLag = {
  readonly topic: string
  readonly partition: number
  readonly currentOffset: number
  readonly logEndOffset: number
  /** Records between the two; never below 0. */
  readonly lag: number
  /** The member that owns the partition in the group's present generation. */
  readonly owner: MemberDescription | undefined
}

const pagesAtOnce = 8

/**
 * Lags of every partition with a committed offset, by topic and partition. A group that has committed nothing has none.
 * @throws KafkaError GROUP_ID_NOT_FOUND; StoreError
 */
export async function groupLags(core: Core, group: string): Promise<PartitionLag[]> {
  const [description, offsets] = await Promise.all([describeGroup(core, group), groupOffsets(core, group)])
  return lagsOf(core, description, offsets)
}

async function lagsOf(
  core: Core,
  description: GroupDescription,
  offsets: Awaited<ReturnType<typeof groupOffsets>>,
): Promise<PartitionLag[]> {
  const owners = ownersIn(description)
  const pages = Array.from({ length: Math.ceil(offsets.length / limits.batchGetKeys) }, (_, page) =>
    offsets.slice(page * limits.batchGetKeys, (page + 1) * limits.batchGetKeys),
  )
  const read = await inParallel(pagesAtOnce, pages, async (page) => {
    const heads = await readHeads(
      core,
      page.map(({ topic, partition }) => ({ topicId: topic.id, partition })),
    )
    return page.flatMap(({ topic, partition, offset }, at) => {
      const head = heads[at]
      // Its topic was deleted a moment ago.
      if (!head) return []
      return [
        {
          topic: topic.name,
          partition,
          currentOffset: offset,
          logEndOffset: head.next,
          lag: Math.max(0, head.next - offset),
          owner: owners(topic.name, partition),
        },
      ]
    })
  })
  return read.flat()
}
