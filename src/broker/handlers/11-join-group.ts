/**
 * Key 11, JoinGroup v0–9: classic groups, with static members (KIP-345) and MEMBER_ID_REQUIRED from v4 (KIP-394). It waits until the
 * group has formed. Where the caller cannot wait so long, a newcomer learns its member id by MEMBER_ID_REQUIRED (before v4 it has to
 * begin anew), others are told REBALANCE_IN_PROGRESS: clients join again, and find themselves counted. The reason (KIP-800) is not
 * kept.
 */
import { type JoinReply, joinGroup as join, MemberIdRequired } from '../../groups/join.ts'
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Caller } from '../caller.ts'
import { forGroups, instanceOf, requireGroup, waitingOf } from '../groups.ts'
import type { ApiHandler } from '../handler.ts'

type Request = RequestOf<'joinGroup'>

const memberIdVersion = 4
const nullableProtocolVersion = 7
const skippingVersion = 9

export const joinGroup: ApiHandler<'joinGroup'> = {
  async handle(broker, caller, request, version) {
    await requireGroup(broker, caller, request.groupId)
    const result = await join(broker.core, joinRequest(caller, request, version), waitingOf(broker, caller))
    if ('joined' in result) return joined(result.joined, version)
    const { memberId } = result.pending
    caller.onPending?.(memberId)
    if (request.memberId === '' && request.groupInstanceId === null && version >= memberIdVersion) {
      throw new MemberIdRequired(memberId)
    }
    throw new KafkaError('REBALANCE_IN_PROGRESS', 'the group has not formed yet: join again')
  },
  failed: ({ memberId }, error, version) => ({
    errorCode: forGroups(error).code,
    protocolName: version < nullableProtocolVersion ? '' : null,
    leader: '',
    memberId: error instanceof MemberIdRequired ? error.memberId : memberId,
    members: [],
  }),
}

function joinRequest({ clientId, clientHost }: Caller, request: Request, version: number) {
  const { groupId, memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs } = request
  return {
    group: groupId,
    memberId,
    ...instanceOf(groupInstanceId),
    clientId: clientId ?? '',
    // As Kafka's own addresses look.
    clientHost: `/${clientHost.replace(/^::ffff:/, '')}`,
    sessionTimeoutMs,
    // v0 has one time-out for both.
    rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols,
    requireKnownMemberId: version >= memberIdVersion,
  }
}

function joined(reply: JoinReply, version: number) {
  const { generation, protocolType, protocol, memberId, skipAssignment, members } = reply
  // An older client would assign anew wherever it leads: there, it is told that another does (KIP-814).
  const isToldToSkip = skipAssignment && version >= skippingVersion
  const isSpared = skipAssignment && !isToldToSkip
  return {
    errorCode: 0,
    generationId: generation,
    protocolType,
    protocolName: protocol,
    leader: isSpared ? '' : reply.leader,
    skipAssignment: isToldToSkip,
    memberId,
    members: isSpared
      ? []
      : members.map((one) => ({
          memberId: one.memberId,
          groupInstanceId: one.instanceId ?? null,
          metadata: one.metadata,
        })),
  }
}
