/**
 * Key 14, SyncGroup v0–5: protocol type and name are required from v5 on (KIP-559). It waits for the leader's assignment; where the
 * caller cannot wait so long it is told REBALANCE_IN_PROGRESS, joins again, and is still in its generation.
 */
import { syncGroup as sync } from '../../groups/sync.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { forMember, instanceOf, requireGroup, waitingOf } from '../groups.ts'
import type { ApiHandler } from '../handler.ts'

const protocolVersion = 5

export const syncGroup: ApiHandler<'syncGroup'> = {
  async handle(broker, caller, request, version) {
    await requireGroup(broker, caller, request.groupId)
    const { protocolType, protocolName } = request
    if (version >= protocolVersion && (protocolType === null || protocolName === null)) {
      throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL', 'a sync names the protocol type and the protocol')
    }
    const synced = await sync(broker.core, syncRequest(request), waitingOf(broker, caller))
    if (synced === 'pending') {
      caller.onPending?.(request.memberId)
      throw new KafkaError('REBALANCE_IN_PROGRESS', 'the leader has not assigned yet: join again')
    }
    const { protocolType: type, protocol, assignment } = synced
    return { errorCode: 0, protocolType: type, protocolName: protocol, assignment }
  },
  failed: ({ groupInstanceId }, error) => ({
    errorCode: forMember(error, groupInstanceId).code,
    assignment: new Uint8Array(),
  }),
}

const syncRequest = (request: RequestOf<'syncGroup'>) => ({
  group: request.groupId,
  memberId: request.memberId,
  ...instanceOf(request.groupInstanceId),
  generation: request.generationId,
  ...(request.protocolType !== null && { protocolType: request.protocolType }),
  ...(request.protocolName !== null && { protocol: request.protocolName }),
  assignments: request.assignments,
})
