/** v3: the partitions of a topic, and where their logs begin and end. The one broker, 0, leads them all. */
import { partitionBounds } from '../../log/offsets.ts'
import { HttpError } from '../errors.ts'
import { type HttpRequest, param, type RouteHandlers } from '../request.ts'
import { existingTopic, pathPartition, requirePartition } from '../topics.ts'
import { requireCluster } from './cluster.ts'
import { jsonReply, listResource, related, topicUrl } from './resources.ts'

export const partitionRoutes = {
  'GET /v3/clusters/{cluster}/topics/{topic}/partitions': async (core, request) => {
    const id = await requireCluster(core, request)
    const { name, partitions } = await existingTopic(core, param(request, 'topic'))
    const data = Array.from({ length: partitions }, (_, partition) => partitionResource(request, id, name, partition))
    const path = `/v3/clusters/${id}/topics/${name}/partitions`
    return jsonReply(request, 200, listResource(request, 'KafkaPartitionList', path, data))
  },
  'GET /v3/clusters/{cluster}/topics/{topic}/partitions/{partition}': async (core, request) => {
    const id = await requireCluster(core, request)
    const topic = await existingTopic(core, param(request, 'topic'))
    const partition = pathPartition(request)
    requirePartition(topic, partition)
    return jsonReply(request, 200, partitionResource(request, id, topic.name, partition))
  },
  'GET /v3/clusters/{cluster}/topics/{topic}/partitions/{partition}/offset': async (core, request) => {
    const id = await requireCluster(core, request)
    const asked = request.query.offset?.toLowerCase()
    if (asked !== undefined && asked !== 'earliest' && asked !== 'latest') {
      throw new HttpError('badRequest', 'The parameter offset must be earliest or latest.')
    }
    const topic = await existingTopic(core, param(request, 'topic'))
    const partition = pathPartition(request)
    requirePartition(topic, partition)
    const { earliest, latest } = await partitionBounds(core, topic, partition)
    const { self, resource_name: name } = metadataOf(request, id, topic.name, partition)
    return jsonReply(request, 200, {
      kind: 'KafkaPartitionWithOffsets',
      metadata: { self: `${self}/offset`, resource_name: `${name}/offset` },
      cluster_id: id,
      topic_name: topic.name,
      partition_id: partition,
      // The contract asks for one of the two and gives both places; whoever names none gets the true pair.
      earliest_offset: earliest,
      latest_offset: latest,
    })
  },
} satisfies RouteHandlers

const metadataOf = (request: HttpRequest, clusterId: string, topic: string, partition: number) => ({
  self: `${topicUrl(request, clusterId, topic)}/partitions/${partition}`,
  resource_name: `crn:///kafka=${clusterId}/topic=${topic}/partition=${partition}`,
})

function partitionResource(request: HttpRequest, clusterId: string, topic: string, partition: number) {
  const metadata = metadataOf(request, clusterId, topic, partition)
  return {
    kind: 'KafkaPartition',
    metadata,
    cluster_id: clusterId,
    topic_name: topic,
    partition_id: partition,
    leader: related(`${metadata.self}/replicas/0`),
    replicas: related(`${metadata.self}/replicas`),
    reassignment: related(`${metadata.self}/reassignment`),
  }
}
