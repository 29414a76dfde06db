/** What the handlers of groups have in common. */
import { checkGroupId } from '../groups/join.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Broker } from './broker.ts'
import type { Caller } from './caller.ts'
import { isOfStore } from './errors.ts'

/**
 * What every request for a group is held to.
 * @throws KafkaError INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED, NOT_COORDINATOR
 */
export async function requireGroup({ view }: Broker, caller: Caller, group: string): Promise<void> {
  await requireAllowed(caller, group)
  if (view.coordinatorOf(group) === view.nodeId) return
  throw new KafkaError('NOT_COORDINATOR', 'another broker coordinates this group')
}

/** @throws KafkaError INVALID_GROUP_ID, GROUP_AUTHORIZATION_FAILED */
export async function requireAllowed({ access }: Caller, group: string): Promise<void> {
  checkGroupId(group)
  await access?.requireGroup(group)
}

/** Of a store that does not answer, clients of groups know one thing: ask for the coordinator again, then repeat the call. */
export const forGroups = (error: KafkaError): KafkaError =>
  isOfStore(error) ? new KafkaError('COORDINATOR_NOT_AVAILABLE', error.message, { cause: error }) : error

/** Where the request does not name the instance, the member is a stranger like any other: such clients know no fencing. */
export const forMember = (error: KafkaError, instanceId: string | null): KafkaError =>
  error.error === 'FENCED_INSTANCE_ID' && instanceId === null
    ? new KafkaError('UNKNOWN_MEMBER_ID', error.message, { cause: error })
    : forGroups(error)

/** `group.instance.id` as the groups take it (KIP-345). */
export function instanceOf(instanceId: string | null): { readonly instanceId?: string } {
  if (instanceId === '') throw new KafkaError('INVALID_REQUEST', 'a group.instance.id cannot be empty')
  return instanceId === null ? {} : { instanceId }
}

/** How long a call may wait: until it is cut, or the caller has gone. */
export const waitingOf = ({ core }: Broker, { waitMsMax, signal }: Caller) => ({
  untilUptimeMs: core.clock.uptime() + waitMsMax,
  signal,
})
