import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'

export type HeartbeatRequest = {
  readonly group: string
  readonly memberId: string
  readonly generation: number
  readonly instanceId?: string
}

/**
 * Says that the member lives, and looks whether its neighbour does: one trip, at a cost that does not grow with the group.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS; StoreError
 */
export async function heartbeat(_core: Core, _request: HeartbeatRequest): Promise<void> {
  throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'groups have no heartbeat yet')
}

/** What a look found; `rebalancing` also where the group has gone on to another generation. */
export type LookedAfter = 'stable' | 'rebalancing' | 'unknown-member' | 'fenced'

/** As `heartbeat` without saying anything: for polls, which come often. @throws StoreError */
export async function lookAfter(_core: Core, _request: HeartbeatRequest): Promise<LookedAfter> {
  return 'unknown-member'
}
