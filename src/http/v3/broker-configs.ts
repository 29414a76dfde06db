/** v3: what an operator has set, under Kafka's names. It is set where Millrace is deployed, so that it can only be read here. */
import { brokerConfigs } from '../../runtime/broker-configs.ts'
import type { Core } from '../../runtime/core.ts'
import { HttpError } from '../errors.ts'
import { type HttpRequest, param, type RouteHandler, type RouteHandlers } from '../request.ts'
import { requireCluster } from './cluster.ts'
import { configResource, type Described } from './config-resource.ts'
import { clusterUrl, jsonReply, listResource } from './resources.ts'

export const brokerConfigRoutes = {
  'GET /v3/clusters/{cluster}/broker-configs': async (core, request) => {
    const id = await requireCluster(core, request)
    const data = brokerConfigs(core.settings).map(({ name }) => describe(core, request, id, name))
    return jsonReply(
      request,
      200,
      listResource(request, 'KafkaClusterConfigList', `/v3/clusters/${id}/broker-configs`, data),
    )
  },
  'GET /v3/clusters/{cluster}/broker-configs/{name}': async (core, request) => {
    const id = await requireCluster(core, request)
    return jsonReply(request, 200, describe(core, request, id, param(request, 'name')))
  },
  'PUT /v3/clusters/{cluster}/broker-configs/{name}': async (core, request) => refuse(core, request),
  'DELETE /v3/clusters/{cluster}/broker-configs/{name}': async (core, request) => refuse(core, request),
  'POST /v3/clusters/{cluster}/{verb}': async (core, request) => {
    await requireCluster(core, request)
    if (param(request, 'verb') === 'broker-configs:alter') throw readOnly()
    throw new HttpError('noSuchPath', 'HTTP 404 Not Found')
  },
} satisfies RouteHandlers

const refuse: RouteHandler = async (core, request) => {
  await requireCluster(core, request)
  described(core, param(request, 'name'))
  throw readOnly()
}

const readOnly = () =>
  new HttpError('badRequest', 'Broker configs are set where Millrace is deployed; they cannot be changed here.')

/** 404 for a config that the broker does not have. */
function described(core: Core, name: string): Described {
  const found = brokerConfigs(core.settings).find((config) => config.name === name)
  if (found) return found
  throw new HttpError('noSuchPath', `There is no broker config ${JSON.stringify(name.slice(0, 249))}.`)
}

const describe = (core: Core, request: HttpRequest, clusterId: string, name: string) =>
  configResource(described(core, name), {
    kind: 'KafkaClusterConfig',
    self: `${clusterUrl(request, clusterId)}/broker-configs/${name}`,
    resourceName: `crn:///kafka=${clusterId}/broker-config=${name}`,
    owner: { config_type: 'BROKER' },
    clusterId,
    readOnly: true,
    source: 'STATIC_BROKER_CONFIG',
  })
