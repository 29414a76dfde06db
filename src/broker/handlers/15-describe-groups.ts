/** Key 15, DescribeGroups v0–6: a group that is not there is `Dead`, and from v6 an error too (KIP-1043). */
import { describeGroup } from '../../groups/describe.ts'
import type { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import { authorizedOperations } from '../authorized-operations.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { toKafkaError } from '../errors.ts'
import { forGroups, requireGroup } from '../groups.ts'
import type { ApiHandler } from '../handler.ts'

const notFoundVersion = 6
const groupsAtOnce = 8

export const describeGroups: ApiHandler<'describeGroups'> = {
  async handle(broker, caller, { groups, includeAuthorizedOperations }, version) {
    const operations = authorizedOperations(caller, 'group', includeAuthorizedOperations)
    const described = await inParallel(groupsAtOnce, groups, async (name) => {
      try {
        return { ...(await describe(broker, caller, name)), authorizedOperations: operations }
      } catch (error) {
        const failed = failedGroup(name, toKafkaError(error, broker.report), version)
        return { ...failed, authorizedOperations: operations }
      }
    })
    return { groups: described }
  },
  failed: ({ groups }, error, version) => ({ groups: groups.map((name) => failedGroup(name, error, version)) }),
}

async function describe(broker: Broker, caller: Caller, name: string) {
  await requireGroup(broker, caller, name)
  const { state, protocolType, protocol, members } = await describeGroup(broker.core, name)
  return {
    errorCode: 0,
    groupId: name,
    groupState: state,
    protocolType,
    protocolData: protocol,
    members: members.map(({ memberId, instanceId, clientId, clientHost, metadata, assignment }) => ({
      memberId,
      groupInstanceId: instanceId ?? null,
      clientId,
      clientHost,
      memberMetadata: metadata,
      memberAssignment: assignment,
    })),
  }
}

function failedGroup(groupId: string, error: KafkaError, version: number) {
  const isMissing = error.error === 'GROUP_ID_NOT_FOUND'
  const told = forGroups(error)
  return {
    errorCode: isMissing && version < notFoundVersion ? 0 : told.code,
    errorMessage: told.message,
    groupId,
    groupState: isMissing ? 'Dead' : '',
    protocolType: '',
    protocolData: '',
    members: [],
  }
}
