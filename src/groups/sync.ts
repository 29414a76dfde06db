import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import type { Waiting } from './join.ts'
import type { CommittedOffset } from './offsets.ts'

export type SyncRequest = {
  readonly group: string
  readonly memberId: string
  readonly instanceId?: string
  readonly generation: number
  /** As the join answered, where the client says it (KIP-559). */
  readonly protocolType?: string
  readonly protocol?: string
  /** Of the leader only. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[]
}

export type OwnedPartition = {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** What the group had committed when this generation took the partition. */
  readonly committed?: CommittedOffset
}

export type SyncReply = {
  readonly protocolType: string
  readonly protocol: string
  readonly assignment: Uint8Array
  /** The assignment's partitions; empty where the protocol type is not `consumer`. */
  readonly owned: readonly OwnedPartition[]
}

/**
 * The leader's: stores the assignments of a generation, the first ones it sends. Everyone's: waits for them and returns their
 * own, after the fence of every partition in it was raised: from then on no older generation commits there.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS,
 *   INCONSISTENT_GROUP_PROTOCOL; StoreError
 */
export async function syncGroup(_core: Core, _request: SyncRequest, _waiting: Waiting): Promise<SyncReply | 'pending'> {
  throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'groups cannot be synced yet')
}
