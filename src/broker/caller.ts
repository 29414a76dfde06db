import type { Room } from '../log/fetch.ts'

/**
 * What a caller may touch, as the doors tell it: the part of `Access` (http/access.ts) that Kafka's APIs ask for. Each promise
 * rejects with KafkaError TOPIC_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED or CLUSTER_AUTHORIZATION_FAILED.
 */
export type CallerAccess = {
  requireTopic(operation: 'read' | 'write', name: string, group?: string): Promise<void>
  requireGroup(group: string): Promise<void>
  /** Asked for what no grant of topics covers: making and changing topics, deleting groups. */
  requireAdmin(): Promise<void>
  visibleTopics<T extends { readonly name: string }>(topics: readonly T[]): Promise<readonly T[]>
  visibleGroups(groups: readonly string[]): Promise<readonly string[]>
}

/** The other end of a connection, or of one call that brings one frame. */
export type Peer = {
  readonly clientHost: string
  readonly connectionId: string
  /** Undefined: nobody is asked who they are, and everything is allowed. */
  readonly access?: CallerAccess
  /** Fires when the other end has gone or the server stops: whoever waits answers with what there is. */
  readonly signal: AbortSignal
  /** Longer waits are cut here: a Lambda has to answer before its gateway gives up. */
  readonly waitMsMax: number
  /** The most bytes of records in one answer, save a single batch that is larger. Undefined: the broker's own limit. */
  readonly answerBytesMax?: number
  /** Where records that are read for an answer are held until it is sent. */
  readonly room?: Room
  /** Told of a group's wait that was cut: the same request, sent again with this member id, goes on with it. */
  readonly onPending?: (memberId: string) => void
  /** Told that a request has its place before all later ones: the next of those that may overlap can be begun. */
  readonly onOrdered?: () => void
}

/** Who makes a request. */
export type Caller = Peer & {
  /** What the client calls itself in the request's header. */
  readonly clientId: string | null
}
