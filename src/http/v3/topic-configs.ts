/** v3: the configs of topics. */
import * as v from 'valibot'
import { alterTopicConfigs } from '../../log/alter-topic.ts'
import { describeConfigs } from '../../log/topic-configs.ts'
import { listTopics, type Topic } from '../../log/topics.ts'
import { readBody } from '../body.ts'
import { HttpError } from '../errors.ts'
import { requireJsonAccepted, requireJsonBody } from '../media-types.ts'
import { noContent } from '../replies.ts'
import { type HttpRequest, param, type RouteHandler, type RouteHandlers } from '../request.ts'
import { existingTopic } from '../topics.ts'
import { requireCluster } from './cluster.ts'
import { configResource } from './config-resource.ts'
import { jsonReply, listResource, topicUrl } from './resources.ts'

const newValue = v.strictObject({ value: v.nullish(v.string()) })
const alteration = v.strictObject({
  data: v.pipe(
    v.array(
      v.strictObject({
        name: v.string(),
        value: v.nullish(v.string()),
        operation: v.nullish(v.picklist(['SET', 'DELETE'])),
      }),
    ),
    v.minLength(1, 'must not be empty'),
  ),
  validate_only: v.nullish(v.boolean()),
})

export const topicConfigRoutes = {
  'GET /v3/clusters/{cluster}/topics/-/configs': async (core, request) => {
    const id = await requireCluster(core, request)
    const topics = await request.access.visibleTopics(await listTopics(core))
    const data = topics.flatMap((topic) => describe(request, id, topic))
    return jsonReply(request, 200, listResource(request, kindOfList, `/v3/clusters/${id}/topics/-/configs`, data))
  },
  'GET /v3/clusters/{cluster}/topics/{topic}/configs': async (core, request) => {
    const id = await requireCluster(core, request)
    const topic = await existingTopic(core, param(request, 'topic'))
    const path = `/v3/clusters/${id}/topics/${topic.name}/configs`
    return jsonReply(request, 200, listResource(request, kindOfList, path, describe(request, id, topic)))
  },
  'GET /v3/clusters/{cluster}/topics/{topic}/configs/{name}': async (core, request) => {
    const id = await requireCluster(core, request)
    const topic = await existingTopic(core, param(request, 'topic'))
    const name = knownName(request, topic)
    return jsonReply(
      request,
      200,
      describe(request, id, topic).find((config) => config.name === name),
    )
  },
  'PUT /v3/clusters/{cluster}/topics/{topic}/configs/{name}': async (core, request) => {
    requireJsonBody(request)
    await requireCluster(core, request)
    const { value } = readBody(request, newValue)
    const topic = await existingTopic(core, param(request, 'topic'))
    await alterTopicConfigs(core, topic.name, { [knownName(request, topic)]: value ?? null })
    return noContent
  },
  'DELETE /v3/clusters/{cluster}/topics/{topic}/configs/{name}': async (core, request) => {
    await requireCluster(core, request)
    const topic = await existingTopic(core, param(request, 'topic'))
    await alterTopicConfigs(core, topic.name, { [knownName(request, topic)]: null })
    return noContent
  },
} satisfies RouteHandlers

/** POST …/topics/T/configs:alter: all of the changes, or none. A config named twice is 400 40002, as in Kafka. */
export const alterConfigs: RouteHandler = async (core, request) => {
  requireJsonBody(request)
  requireJsonAccepted(request)
  await requireCluster(core, request)
  const { data, validate_only: validateOnly } = readBody(request, alteration)
  const changes = new Map(
    data.map(({ name, value, operation }) => [name, operation === 'DELETE' ? null : (value ?? null)]),
  )
  if (changes.size < data.length) throw new HttpError('badRequest', 'data: each config may be named once')
  const topic = await existingTopic(core, param(request, 'topic'))
  await alterTopicConfigs(core, topic.name, Object.fromEntries(changes), { validateOnly: validateOnly ?? false })
  return noContent
}

const kindOfList = 'KafkaTopicConfigList'

const describe = (request: HttpRequest, clusterId: string, topic: Topic) =>
  describeConfigs(topic).map((config) =>
    configResource(config, {
      kind: 'KafkaTopicConfig',
      self: `${topicUrl(request, clusterId, topic.name)}/configs/${config.name}`,
      resourceName: `crn:///kafka=${clusterId}/topic=${topic.name}/config=${config.name}`,
      owner: { topic_name: topic.name },
      clusterId,
      readOnly: false,
      source: 'DYNAMIC_TOPIC_CONFIG',
    }),
  )

/** 404 for a config that no topic has. */
function knownName(request: HttpRequest, topic: Topic): string {
  const name = param(request, 'name')
  if (describeConfigs(topic).some((config) => config.name === name)) return name
  throw new HttpError('noSuchPath', `There is no topic config ${JSON.stringify(name.slice(0, 249))}.`)
}
