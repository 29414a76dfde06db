/** Key 13, LeaveGroup v0–5: one member, from v3 several (KIP-345). The reason (KIP-800) is not kept. */
import { leaveGroup as leave } from '../../groups/leave.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { forGroups, forMember, instanceOf, requireGroup } from '../groups.ts'
import type { ApiHandler } from '../handler.ts'

const severalVersion = 3

export const leaveGroup: ApiHandler<'leaveGroup'> = {
  async handle(broker, caller, request, version) {
    await requireGroup(broker, caller, request.groupId)
    const left = await leave(broker.core, request.groupId, leavers(request, version))
    if (version < severalVersion) {
      const error = left[0]?.error
      return { errorCode: error ? forMember(error, null).code : 0 }
    }
    const members = left.map(({ memberId, instanceId, error }) => ({
      memberId,
      groupInstanceId: instanceId ?? null,
      errorCode: error?.code ?? 0,
    }))
    return { errorCode: 0, members }
  },
  failed: (_request, error) => ({ errorCode: forGroups(error).code, members: [] }),
}

const leavers = ({ memberId, members }: RequestOf<'leaveGroup'>, version: number) =>
  version < severalVersion
    ? [{ memberId }]
    : members.map(({ memberId, groupInstanceId }) => ({ memberId, ...instanceOf(groupInstanceId) }))
