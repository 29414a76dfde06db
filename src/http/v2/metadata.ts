/** v2 metadata. There is one broker, 0: the API itself, which leads every partition and is in sync with itself. */

import { partitionBounds } from '../../log/offsets.ts'
import { describeConfigs } from '../../log/topic-configs.ts'
import { listTopics, type Topic } from '../../log/topics.ts'
import { json } from '../replies.ts'
import { param, type RouteHandlers } from '../request.ts'
import { existingTopic, pathPartition, requirePartition } from '../topics.ts'

export const metadataRoutes = {
  'GET /': async (_core, request) => json(request, {}),
  'GET /brokers': async (_core, request) => json(request, { brokers: [0] }),
  'GET /topics': async (core, request) => {
    const topics = await request.access.visibleTopics(await listTopics(core))
    return json(
      request,
      topics.map((topic) => topic.name),
    )
  },
  'GET /topics/{topic}': async (core, request) => {
    const topic = await existingTopic(core, param(request, 'topic'))
    const configs = Object.fromEntries(describeConfigs(topic).map(({ name, value }) => [name, value]))
    return json(request, { name: topic.name, configs, partitions: partitionsOf(topic) })
  },
  'GET /topics/{topic}/partitions': async (core, request) =>
    json(request, partitionsOf(await existingTopic(core, param(request, 'topic')))),
  'GET /topics/{topic}/partitions/{partition}': async (core, request) => {
    const topic = await existingTopic(core, param(request, 'topic'))
    const partition = pathPartition(request)
    requirePartition(topic, partition)
    return json(request, describePartition(partition))
  },
  'GET /topics/{topic}/partitions/{partition}/offsets': async (core, request) => {
    const topic = await existingTopic(core, param(request, 'topic'))
    const partition = pathPartition(request)
    requirePartition(topic, partition)
    const { earliest, latest } = await partitionBounds(core, topic, partition)
    return json(request, { beginning_offset: earliest, end_offset: latest })
  },
} satisfies RouteHandlers

const describePartition = (partition: number) => ({
  partition,
  leader: 0,
  replicas: [{ broker: 0, leader: true, in_sync: true }],
})

const partitionsOf = (topic: Topic) =>
  Array.from({ length: topic.partitions }, (_, partition) => describePartition(partition))
