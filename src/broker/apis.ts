/** The one table of what this broker answers. ApiVersions is derived from it. To add an API: its file in `handlers/`, one line here. */
import { type ApiName, apis } from '../protocol/apis.ts'
import type { Handlers } from './handler.ts'
import { produce } from './handlers/00-produce.ts'
import { fetch } from './handlers/01-fetch.ts'
import { listOffsets } from './handlers/02-list-offsets.ts'
import { metadata } from './handlers/03-metadata.ts'
import { offsetCommit } from './handlers/08-offset-commit.ts'
import { offsetFetch } from './handlers/09-offset-fetch.ts'
import { findCoordinator } from './handlers/10-find-coordinator.ts'
import { joinGroup } from './handlers/11-join-group.ts'
import { heartbeat } from './handlers/12-heartbeat.ts'
import { leaveGroup } from './handlers/13-leave-group.ts'
import { syncGroup } from './handlers/14-sync-group.ts'
import { describeGroups } from './handlers/15-describe-groups.ts'
import { listGroups } from './handlers/16-list-groups.ts'
import { apiVersions } from './handlers/18-api-versions.ts'
import { createTopics } from './handlers/19-create-topics.ts'
import { deleteTopics } from './handlers/20-delete-topics.ts'
import { deleteRecords } from './handlers/21-delete-records.ts'
import { initProducerId } from './handlers/22-init-producer-id.ts'
import { offsetForLeaderEpoch } from './handlers/23-offset-for-leader-epoch.ts'
import { describeConfigs } from './handlers/32-describe-configs.ts'
import { alterConfigs } from './handlers/33-alter-configs.ts'
import { describeLogDirs } from './handlers/35-describe-log-dirs.ts'
import { createPartitions } from './handlers/37-create-partitions.ts'
import { deleteGroups } from './handlers/42-delete-groups.ts'
import { incrementalAlterConfigs } from './handlers/44-incremental-alter-configs.ts'
import { offsetDelete } from './handlers/47-offset-delete.ts'
import { describeCluster } from './handlers/60-describe-cluster.ts'
import { describeProducers } from './handlers/61-describe-producers.ts'
import { describeTopicPartitions } from './handlers/75-describe-topic-partitions.ts'

export const handlers: Handlers = {
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  apiVersions: apiVersions(() => advertised()),
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeConfigs,
  alterConfigs,
  describeLogDirs,
  createPartitions,
  deleteGroups,
  incrementalAlterConfigs,
  offsetDelete,
  describeCluster,
  describeProducers,
  describeTopicPartitions,
}

/** librdkafka takes a broker that does not advertise Produce v0 for one without its newer features (KAFKA-18659). */
const advertisedFrom: { readonly [Name in ApiName]?: number } = { produce: 0 }

export type ApiRange = { readonly apiKey: number; readonly minVersion: number; readonly maxVersion: number }

/** The cast is sound: these are the table's own names. */
const served = (): ApiName[] => Object.keys(handlers) as ApiName[]

export function advertised(): ApiRange[] {
  return served().map((name) => {
    const { key, versions } = apis[name]
    return { apiKey: key, minVersion: advertisedFrom[name] ?? versions[0], maxVersion: versions[1] }
  })
}

/** Whether requests of this API and version are answered at all. */
export function isServed(name: ApiName, version: number): boolean {
  const [first, last] = apis[name].versions
  return handlers[name] !== undefined && version >= first && version <= last
}
