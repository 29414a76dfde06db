/** Key 12, Heartbeat v0–4. */
import { heartbeat as beat } from '../../groups/heartbeat.ts'
import { forMember, instanceOf, requireGroup } from '../groups.ts'
import type { ApiHandler } from '../handler.ts'

export const heartbeat: ApiHandler<'heartbeat'> = {
  async handle(broker, caller, { groupId: group, generationId: generation, memberId, groupInstanceId }) {
    await requireGroup(broker, caller, group)
    await beat(broker.core, { group, generation, memberId, ...instanceOf(groupInstanceId) })
    return { errorCode: 0 }
  },
  failed: ({ groupInstanceId }, error) => ({ errorCode: forMember(error, groupInstanceId).code }),
}
