/** v3: consumer groups, their members and how far they are behind. All of it only reads. */
import { assignedPartitions, describeGroup, type GroupDescription, listGroups } from '../../groups/describe.ts'
import { groupLags, type PartitionLag } from '../../groups/lag.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Core } from '../../runtime/core.ts'
import { HttpError } from '../errors.ts'
import { groupBytesMax } from '../limits.ts'
import { type HttpRequest, param, type RouteHandlers } from '../request.ts'
import { pathPartition } from '../topics.ts'
import { requireCluster } from './cluster.ts'
import {
  assignmentResource,
  consumerResource,
  type GroupPlace,
  groupResource,
  lagResource,
  lagSummaryResource,
} from './group-resources.ts'
import { clusterUrl, jsonReply, listResource } from './resources.ts'

const groups = '/v3/clusters/{cluster}/consumer-groups'

export const groupRoutes = {
  [`GET ${groups}`]: async (core, request) => {
    const id = await requireCluster(core, request)
    const listed = await listGroups(core)
    const visible = new Set(await request.access.visibleGroups(listed.map(({ group }) => group)))
    const data = listed
      .filter(({ group }) => visible.has(group))
      .map((listing) => groupResource(placeOf(request, id, listing.group), listing))
    return jsonReply(request, 200, listResource(request, 'KafkaConsumerGroupList', pathOf(id), data))
  },
  [`GET ${groups}/{group}`]: async (core, request) => {
    const place = await requirePlace(core, request)
    return jsonReply(request, 200, groupResource(place, await existingGroup(core, place.group)))
  },
  [`GET ${groups}/{group}/consumers`]: async (core, request) => {
    const place = await requirePlace(core, request)
    const { members } = await existingGroup(core, place.group)
    const data = members.map((member) => consumerResource(place, member))
    return jsonReply(request, 200, listResource(request, 'KafkaConsumerList', pathOf(place, 'consumers'), data))
  },
  [`GET ${groups}/{group}/consumers/{consumer}`]: async (core, request) => {
    const place = await requirePlace(core, request)
    return jsonReply(request, 200, consumerResource(place, await requireMember(core, request, place)))
  },
  [`GET ${groups}/{group}/consumers/{consumer}/assignments`]: async (core, request) => {
    const place = await requirePlace(core, request)
    const member = await requireMember(core, request, place)
    const data = assignedPartitions(member).map((one) => assignmentResource(place, member.memberId, one))
    const path = pathOf(place, 'consumers', member.memberId, 'assignments')
    return jsonReply(request, 200, listResource(request, 'KafkaConsumerAssignmentList', path, data))
  },
  [`GET ${groups}/{group}/consumers/{consumer}/assignments/{topic}/partitions/{partition}`]: async (core, request) => {
    const place = await requirePlace(core, request)
    const member = await requireMember(core, request, place)
    const found = assignedPartitions(member).find(isAt(request))
    if (!found) throw notFound('HTTP 404 Not Found')
    return jsonReply(request, 200, assignmentResource(place, member.memberId, found))
  },
  [`GET ${groups}/{group}/lag-summary`]: async (core, request) => {
    const place = await requirePlace(core, request)
    return jsonReply(request, 200, lagSummaryResource(place, await requireLags(core, place.group)))
  },
  [`GET ${groups}/{group}/lags`]: async (core, request) => {
    const place = await requirePlace(core, request)
    const data = (await requireLags(core, place.group)).map((lag) => lagResource(place, lag))
    return jsonReply(request, 200, listResource(request, 'KafkaConsumerLagList', pathOf(place, 'lags'), data))
  },
  [`GET ${groups}/{group}/lags/{topic}/partitions/{partition}`]: async (core, request) => {
    const place = await requirePlace(core, request)
    const found = (await requireLags(core, place.group)).find(isAt(request))
    if (!found) throw notFound('HTTP 404 Not Found')
    return jsonReply(request, 200, lagResource(place, found))
  },
} satisfies RouteHandlers

const placeOf = (request: HttpRequest, clusterId: string, group: string): GroupPlace => ({
  clusterUrl: clusterUrl(request, clusterId),
  clusterId,
  group,
})

/** A list's own path, below the origin. */
function pathOf(at: string | GroupPlace, ...below: readonly string[]): string {
  const parts = typeof at === 'string' ? [at, 'consumer-groups'] : [at.clusterId, 'consumer-groups', at.group, ...below]
  return `/v3/clusters/${parts.map(encodeURIComponent).join('/')}`
}

async function requirePlace(core: Core, request: HttpRequest): Promise<GroupPlace> {
  const id = await requireCluster(core, request)
  const group = param(request, 'group')
  await request.access.requireGroup(group)
  // A path may hold more than a store's key: no group has such a name.
  if (Buffer.byteLength(group) > groupBytesMax) throw notFound('Consumer Group could not be found.')
  return placeOf(request, id, group)
}

const notFound = (message: string) => new HttpError('noSuchPath', message)

async function existingGroup(core: Core, group: string): Promise<GroupDescription> {
  return found(group, describeGroup(core, group))
}

/** Confluent answers a plain 404 where there is no such group. */
async function found<T>(group: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (error) {
    if (!(error instanceof KafkaError && error.error === 'GROUP_ID_NOT_FOUND')) throw error
    throw notFound(`Consumer Group ${group.slice(0, 255)} could not be found.`)
  }
}

async function requireMember(core: Core, request: HttpRequest, { group }: GroupPlace) {
  const wanted = param(request, 'consumer')
  const member = (await existingGroup(core, group)).members.find(({ memberId }) => memberId === wanted)
  if (!member) throw notFound(`Consumer ${wanted.slice(0, 255)} could not be found.`)
  return member
}

/** The greatest first, as Confluent sorts them; 404 where nothing is committed. */
async function requireLags(core: Core, group: string): Promise<readonly [PartitionLag, ...PartitionLag[]]> {
  // The sort is stable: equal lags stay in order of topics and partitions.
  const [first, ...rest] = (await found(group, groupLags(core, group))).sort((a, b) => b.lag - a.lag)
  if (!first) throw notFound('Consumer group offsets could not be found.')
  return [first, ...rest]
}

function isAt(request: HttpRequest) {
  const topic = param(request, 'topic')
  const wanted = pathPartition(request)
  return (one: { readonly topic: string; readonly partition: number }) =>
    one.topic === topic && one.partition === wanted
}
