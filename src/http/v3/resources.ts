/** The shapes of v3 of the contract: every resource names itself, and links to what belongs to it. */
import type { Topic } from '../../log/topics.ts'
import { replicationFactor } from '../../runtime/broker-configs.ts'
import { requireJsonAccepted } from '../media-types.ts'
import type { HttpReply, HttpRequest } from '../request.ts'

export const clusterUrl = (request: HttpRequest, clusterId: string) =>
  `${request.origin}/v3/clusters/${encodeURIComponent(clusterId)}`

export const related = (url: string) => ({ related: url })

export function clusterResource(request: HttpRequest, clusterId: string) {
  const self = clusterUrl(request, clusterId)
  return {
    kind: 'KafkaCluster',
    metadata: { self, resource_name: `crn:///kafka=${clusterId}` },
    cluster_id: clusterId,
    controller: related(`${self}/brokers/0`),
    acls: related(`${self}/acls`),
    brokers: related(`${self}/brokers`),
    broker_configs: related(`${self}/broker-configs`),
    consumer_groups: related(`${self}/consumer-groups`),
    topics: related(`${self}/topics`),
    partition_reassignments: related(`${self}/topics/-/partitions/-/reassignment`),
  }
}

export const topicUrl = (request: HttpRequest, clusterId: string, topic: string) =>
  `${clusterUrl(request, clusterId)}/topics/${encodeURIComponent(topic)}`

export function topicResource(request: HttpRequest, clusterId: string, topic: Topic) {
  const self = topicUrl(request, clusterId, topic.name)
  return {
    kind: 'KafkaTopic',
    metadata: { self, resource_name: `crn:///kafka=${clusterId}/topic=${topic.name}` },
    cluster_id: clusterId,
    topic_name: topic.name,
    is_internal: false,
    // v2 of the contract lists brokers as replicas, of which there is one; v3 asks how many copies there are.
    replication_factor: replicationFactor,
    partitions_count: topic.partitions,
    partitions: related(`${self}/partitions`),
    configs: related(`${self}/configs`),
    partition_reassignments: related(`${self}/partitions/-/reassignment`),
    authorized_operations: [],
  }
}

/** A list that has no further pages. `path` is the list's own, below the origin. */
export const listResource = (request: HttpRequest, kind: string, path: string, data: readonly unknown[]) => ({
  kind,
  metadata: { self: `${request.origin}${path}`, next: null },
  data,
})

export function jsonReply(request: HttpRequest, status: 200 | 201, value: unknown, headers = {}): HttpReply {
  requireJsonAccepted(request)
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) }
}
