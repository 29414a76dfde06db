/** v3: clusters (there is one: this deployment) and topics. */
import * as v from 'valibot'
import { increasePartitions } from '../../log/alter-topic.ts'
import { clusterId } from '../../log/cluster.ts'
import { createTopic, deleteTopic, listTopics } from '../../log/topics.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { replicationFactor } from '../../runtime/broker-configs.ts'
import { readBody } from '../body.ts'
import { requireJsonAccepted, requireJsonBody } from '../media-types.ts'
import { noContent } from '../replies.ts'
import { param, type RouteHandlers } from '../request.ts'
import { existingTopic } from '../topics.ts'
import { brokerConfigRoutes } from './broker-configs.ts'
import { requireCluster } from './cluster.ts'
import { partitionRoutes } from './partitions.ts'
import { clusterResource, jsonReply, listResource, topicResource } from './resources.ts'
import { topicConfigRoutes } from './topic-configs.ts'

const newTopic = v.strictObject({
  topic_name: v.string(),
  partitions_count: v.nullish(v.number()),
  replication_factor: v.nullish(v.number()),
  configs: v.nullish(v.array(v.strictObject({ name: v.string(), value: v.nullish(v.string()) }))),
})

const changedTopic = v.strictObject({ partitions_count: v.number() })

export const v3Routes = {
  'GET /v3/clusters': async (core, request) => {
    const cluster = clusterResource(request, await clusterId(core))
    return jsonReply(request, 200, listResource(request, 'KafkaClusterList', '/v3/clusters', [cluster]))
  },
  'GET /v3/clusters/{cluster}': async (core, request) =>
    jsonReply(request, 200, clusterResource(request, await requireCluster(core, request))),
  'GET /v3/clusters/{cluster}/topics': async (core, request) => {
    const id = await requireCluster(core, request)
    const visible = await request.access.visibleTopics(await listTopics(core))
    const topics = visible.map((topic) => topicResource(request, id, topic))
    return jsonReply(request, 200, listResource(request, 'KafkaTopicList', `/v3/clusters/${id}/topics`, topics))
  },
  'POST /v3/clusters/{cluster}/topics': async (core, request) => {
    requireJsonBody(request)
    const id = await requireCluster(core, request)
    const body = readBody(request, newTopic)
    const copies = body.replication_factor ?? replicationFactor
    if (!Number.isInteger(copies) || copies < 1 || copies > replicationFactor) {
      throw new KafkaError(
        'INVALID_REPLICATION_FACTOR',
        `Replication factor must be 1 to ${replicationFactor}, not ${copies}`,
      )
    }
    const topic = await createTopic(core, {
      name: body.topic_name,
      configs: Object.fromEntries(
        (body.configs ?? []).flatMap(({ name, value }) => (value == null ? [] : [[name, value]])),
      ),
      ...(body.partitions_count == null ? {} : { partitions: body.partitions_count }),
    })
    const resource = topicResource(request, id, topic)
    return jsonReply(request, 201, resource, { location: resource.metadata.self })
  },
  'GET /v3/clusters/{cluster}/topics/{topic}': async (core, request) => {
    const id = await requireCluster(core, request)
    return jsonReply(request, 200, topicResource(request, id, await existingTopic(core, param(request, 'topic'))))
  },
  'DELETE /v3/clusters/{cluster}/topics/{topic}': async (core, request) => {
    await requireCluster(core, request)
    const topic = await existingTopic(core, param(request, 'topic'))
    await deleteTopic(core, topic.name)
    return noContent
  },
  // Asked for what is already so it changes nothing: a caller who lost the answer asks again.
  'PATCH /v3/clusters/{cluster}/topics/{topic}': async (core, request) => {
    requireJsonBody(request)
    requireJsonAccepted(request)
    const id = await requireCluster(core, request)
    const { partitions_count: wanted } = readBody(request, changedTopic)
    const topic = await existingTopic(core, param(request, 'topic'))
    const changed = topic.partitions === wanted ? topic : await increasePartitions(core, topic.name, wanted)
    return jsonReply(request, 200, topicResource(request, id, changed))
  },
  ...topicConfigRoutes,
  ...partitionRoutes,
  ...brokerConfigRoutes,
} satisfies RouteHandlers
