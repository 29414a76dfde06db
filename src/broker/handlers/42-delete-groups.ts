/** Key 42, DeleteGroups v0–2. */
import { deleteGroup } from '../../groups/admin.ts'
import { inParallel } from '../../runtime/parallel.ts'
import { toKafkaError } from '../errors.ts'
import { forGroups, requireGroup } from '../groups.ts'
import type { ApiHandler } from '../handler.ts'

const groupsAtOnce = 4

export const deleteGroups: ApiHandler<'deleteGroups'> = {
  async handle(broker, caller, { groupsNames }) {
    const results = await inParallel(groupsAtOnce, [...new Set(groupsNames)], async (groupId) => {
      try {
        await caller.access?.requireAdmin()
        await requireGroup(broker, caller, groupId)
        await deleteGroup(broker.core, groupId)
        return { groupId, errorCode: 0 }
      } catch (error) {
        return { groupId, errorCode: forGroups(toKafkaError(error, broker.report)).code }
      }
    })
    return { results }
  },
  failed: ({ groupsNames }, error) => ({
    results: [...new Set(groupsNames)].map((groupId) => ({ groupId, errorCode: forGroups(error).code })),
  }),
}
