import type { Message, MessageIn, MessageOut } from './codec/message.ts'
import { alterConfigsRequest, alterConfigsResponse } from './messages/alter-configs.ts'
import { apiVersionsRequest, apiVersionsResponse } from './messages/api-versions.ts'
import { createPartitionsRequest, createPartitionsResponse } from './messages/create-partitions.ts'
import { createTopicsRequest, createTopicsResponse } from './messages/create-topics.ts'
import { deleteGroupsRequest, deleteGroupsResponse } from './messages/delete-groups.ts'
import { deleteRecordsRequest, deleteRecordsResponse } from './messages/delete-records.ts'
import { deleteTopicsRequest, deleteTopicsResponse } from './messages/delete-topics.ts'
import { describeClusterRequest, describeClusterResponse } from './messages/describe-cluster.ts'
import { describeConfigsRequest, describeConfigsResponse } from './messages/describe-configs.ts'
import { describeGroupsRequest, describeGroupsResponse } from './messages/describe-groups.ts'
import { describeLogDirsRequest, describeLogDirsResponse } from './messages/describe-log-dirs.ts'
import { describeProducersRequest, describeProducersResponse } from './messages/describe-producers.ts'
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
} from './messages/describe-topic-partitions.ts'
import { fetchRequest, fetchResponse } from './messages/fetch.ts'
import { findCoordinatorRequest, findCoordinatorResponse } from './messages/find-coordinator.ts'
import { heartbeatRequest, heartbeatResponse } from './messages/heartbeat.ts'
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
} from './messages/incremental-alter-configs.ts'
import { initProducerIdRequest, initProducerIdResponse } from './messages/init-producer-id.ts'
import { joinGroupRequest, joinGroupResponse } from './messages/join-group.ts'
import { leaveGroupRequest, leaveGroupResponse } from './messages/leave-group.ts'
import { listGroupsRequest, listGroupsResponse } from './messages/list-groups.ts'
import { listOffsetsRequest, listOffsetsResponse } from './messages/list-offsets.ts'
import { metadataRequest, metadataResponse } from './messages/metadata.ts'
import { offsetCommitRequest, offsetCommitResponse } from './messages/offset-commit.ts'
import { offsetDeleteRequest, offsetDeleteResponse } from './messages/offset-delete.ts'
import { offsetFetchRequest, offsetFetchResponse } from './messages/offset-fetch.ts'
import { offsetForLeaderEpochRequest, offsetForLeaderEpochResponse } from './messages/offset-for-leader-epoch.ts'
import { produceRequest, produceResponse } from './messages/produce.ts'
import { syncGroupRequest, syncGroupResponse } from './messages/sync-group.ts'

/** A request, its answer, and the number that names them on the wire. */
export type Api<Request extends Message<unknown, never>, Response extends Message<unknown, never>> = {
  readonly key: number
  readonly request: Request
  readonly response: Response
  /** What Kafka 4.1 speaks: without versions that it still calls unstable, which the tables know. */
  readonly versions: readonly [first: number, last: number]
}

function api<Request extends Message<unknown, never>, Response extends Message<unknown, never>>(
  key: number,
  request: Request,
  response: Response,
  newest = request.versions[1],
): Api<Request, Response> {
  return { key, request, response, versions: [request.versions[0], newest] }
}

/**
 * Every API whose messages we know, from the oldest version that Kafka 4.1 still accepts. Left out, and so not advertised:
 * - SASL (17, 36), delegation tokens (38–41), ACLs (29–31), quotas (48, 49), SCRAM (50, 51): nobody is told apart on this port.
 * - AddPartitionsToTxn and the like (24–28, 65, 66): transactions.
 * - ConsumerGroupHeartbeat and -Describe (68, 69), share groups (76–79, 83–87, 90–92), streams groups (88, 89): the classic
 *   protocol is spoken.
 * - Reassignments, elections, replicas' folders (34, 43, 45, 46): there are no replicas to be moved.
 * - Telemetry and its subscriptions (71, 72), ListConfigResources (74), features (57): clients do without.
 * - What brokers and controllers tell each other (4–7, 52–56, 58, 59, 62–64, 67, 70, 73, 80–82).
 */
export const apis = {
  produce: api(0, produceRequest, produceResponse),
  fetch: api(1, fetchRequest, fetchResponse),
  listOffsets: api(2, listOffsetsRequest, listOffsetsResponse),
  metadata: api(3, metadataRequest, metadataResponse),
  offsetCommit: api(8, offsetCommitRequest, offsetCommitResponse, 9),
  offsetFetch: api(9, offsetFetchRequest, offsetFetchResponse, 9),
  findCoordinator: api(10, findCoordinatorRequest, findCoordinatorResponse),
  joinGroup: api(11, joinGroupRequest, joinGroupResponse),
  heartbeat: api(12, heartbeatRequest, heartbeatResponse),
  leaveGroup: api(13, leaveGroupRequest, leaveGroupResponse),
  syncGroup: api(14, syncGroupRequest, syncGroupResponse),
  describeGroups: api(15, describeGroupsRequest, describeGroupsResponse),
  listGroups: api(16, listGroupsRequest, listGroupsResponse),
  apiVersions: api(18, apiVersionsRequest, apiVersionsResponse),
  createTopics: api(19, createTopicsRequest, createTopicsResponse),
  deleteTopics: api(20, deleteTopicsRequest, deleteTopicsResponse),
  deleteRecords: api(21, deleteRecordsRequest, deleteRecordsResponse),
  initProducerId: api(22, initProducerIdRequest, initProducerIdResponse, 5),
  offsetForLeaderEpoch: api(23, offsetForLeaderEpochRequest, offsetForLeaderEpochResponse),
  describeConfigs: api(32, describeConfigsRequest, describeConfigsResponse),
  alterConfigs: api(33, alterConfigsRequest, alterConfigsResponse),
  describeLogDirs: api(35, describeLogDirsRequest, describeLogDirsResponse),
  createPartitions: api(37, createPartitionsRequest, createPartitionsResponse),
  deleteGroups: api(42, deleteGroupsRequest, deleteGroupsResponse),
  incrementalAlterConfigs: api(44, incrementalAlterConfigsRequest, incrementalAlterConfigsResponse),
  offsetDelete: api(47, offsetDeleteRequest, offsetDeleteResponse),
  describeCluster: api(60, describeClusterRequest, describeClusterResponse),
  describeProducers: api(61, describeProducersRequest, describeProducersResponse),
  describeTopicPartitions: api(75, describeTopicPartitionsRequest, describeTopicPartitionsResponse),
} as const

export type ApiName = keyof typeof apis
/** As its handler gets it. */
export type RequestOf<Name extends ApiName> = MessageOut<(typeof apis)[Name]['request']>
/** As its handler gives it. */
export type ResponseOf<Name extends ApiName> = MessageIn<(typeof apis)[Name]['response']>

const names = new Map<number, ApiName>()

export function apiOfKey(key: number): ApiName | undefined {
  // The cast is sound: these are the table's own names.
  if (names.size === 0) for (const name of Object.keys(apis) as ApiName[]) names.set(apis[name].key, name)
  return names.get(key)
}
