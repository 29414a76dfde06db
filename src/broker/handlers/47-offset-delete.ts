/** Key 47, OffsetDelete v0 (KIP-496): of topics that no member subscribes to. */
import { deleteOffsets } from '../../groups/admin.ts'
import { forGroups, requireGroup } from '../groups.ts'
import type { ApiHandler } from '../handler.ts'

export const offsetDelete: ApiHandler<'offsetDelete'> = {
  async handle(broker, caller, { groupId, topics }) {
    await caller.access?.requireAdmin()
    await requireGroup(broker, caller, groupId)
    const asked = topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition }) => ({ topic, partition })),
    )
    const deleted = await deleteOffsets(broker.core, groupId, asked)
    let at = 0
    return {
      errorCode: 0,
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({
          partitionIndex,
          errorCode: deleted[at++]?.error?.code ?? 0,
        })),
      })),
    }
  },
  failed: (_request, error) => ({ errorCode: forGroups(error).code, topics: [] }),
}
