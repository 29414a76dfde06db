import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'

export type JoinProtocol = { readonly name: string; readonly metadata: Uint8Array }

export type JoinRequest = {
  readonly group: string
  /** '' of a member that has none yet. */
  readonly memberId: string
  /** `group.instance.id` of a static member (KIP-345). */
  readonly instanceId?: string
  readonly clientId: string
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  /** In the order the member likes them. */
  readonly protocols: readonly JoinProtocol[]
  /** Refuse a new dynamic member with MEMBER_ID_REQUIRED and a member id to come back with (KIP-394). */
  readonly requireKnownMemberId?: boolean
}

export type JoinedMember = {
  readonly memberId: string
  readonly instanceId?: string
  /** What it said of the chosen protocol: of consumers, their subscription. */
  readonly metadata: Uint8Array
}

export type JoinReply = {
  readonly generation: number
  readonly protocolType: string
  readonly protocol: string
  /** The leader's member id. */
  readonly leader: string
  readonly memberId: string
  /** The leader came back under a new member id into a stable group: it need not assign anything (KIP-814). */
  readonly skipAssignment: boolean
  /** Of the leader's answer only. */
  readonly members: readonly JoinedMember[]
}

/** How long a call may wait, by `clock.uptime()`, and what ends it before. */
export type Waiting = { readonly untilUptimeMs: number; readonly signal?: AbortSignal }

/** MEMBER_ID_REQUIRED, with the id to join with. */
export class MemberIdRequired extends KafkaError {
  readonly memberId: string

  constructor(memberId: string) {
    super('MEMBER_ID_REQUIRED', 'join again with the member id of this answer')
    this.memberId = memberId
  }
}

/**
 * Joins, or joins again, and waits until the group's next generation has formed.
 * `pending`: it has not yet. The member is counted; ask again with this member id, within the session time-out.
 * @throws MemberIdRequired; KafkaError INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, INCONSISTENT_GROUP_PROTOCOL,
 *   GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID; StoreError
 */
export async function joinGroup(
  _core: Core,
  _request: JoinRequest,
  _waiting: Waiting,
): Promise<{ readonly joined: JoinReply } | { readonly pending: { readonly memberId: string } }> {
  throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'groups cannot be joined yet')
}
