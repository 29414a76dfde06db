import type { Core } from '../../runtime/core.ts'
import { readBody } from '../body.ts'
import { HttpError } from '../errors.ts'
import { requireManagementType } from '../media-types.ts'
import { json, noContent } from '../replies.ts'
import { type HttpReply, type HttpRequest, param } from '../request.ts'
import { changeInstance, readInstance } from './instance.ts'
import type { AssignedPartition, Instance } from './instance-item.ts'
import { partitionsBody, topicsOf } from './partitions.ts'
import { keepAlive } from './upkeep.ts'

/** 409 40903: one instance is either given its partitions by hand or by its group. */
export const mixed = () =>
  new HttpError('illegalState', 'Subscription to topics, partitions and pattern are mutually exclusive')

/** POST …/assignments: these partitions instead of any before. Partitions that stay assigned keep their positions. */
export async function assign(core: Core, request: HttpRequest): Promise<HttpReply> {
  requireManagementType(request)
  const { partitions } = readBody(request, partitionsBody)
  const group = param(request, 'group')
  const name = param(request, 'instance')
  requireByHand(await readInstance(core, group, name))
  const names = partitions.map(({ topic }) => topic)
  await request.access.requireTopics('read', names, group)
  const topics = await topicsOf(core, partitions)
  const wanted = new Map<string, AssignedPartition>()
  for (const { topic, partition } of partitions) {
    const topicId = topics(topic).id
    wanted.set(`${topic}-${partition}`, { topic, topicId, partition, position: null, committed: null })
  }
  await changeInstance(core, group, name, (instance) => {
    requireByHand(instance)
    const before = new Map(instance.assigned.map((entry) => [`${entry.topicId}-${entry.partition}`, entry]))
    const assigned = Array.from(wanted.values(), (entry) => before.get(`${entry.topicId}-${entry.partition}`) ?? entry)
    return { assigned, epoch: instance.epoch + 1 }
  })
  return noContent
}

function requireByHand({ subscription }: Instance): void {
  if (subscription) throw mixed()
}

/** GET …/assignments: what was assigned by hand, or what a member of the group owns. */
export async function assignments(core: Core, request: HttpRequest): Promise<HttpReply> {
  const instance = await readInstance(core, param(request, 'group'), param(request, 'instance'))
  await keepAlive(core, instance)
  return json(request, { partitions: instance.assigned.map(({ topic, partition }) => ({ topic, partition })) })
}
