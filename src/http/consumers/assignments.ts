import type { Core } from '../../runtime/core.ts'
import { readBody } from '../body.ts'
import { requireManagementType } from '../media-types.ts'
import { json, noContent } from '../replies.ts'
import { type HttpReply, type HttpRequest, param } from '../request.ts'
import { type AssignedPartition, changeAssigned, readInstance } from './instance.ts'
import { partitionsBody, topicsOf } from './partitions.ts'

/** POST …/assignments: these partitions instead of any before. Partitions that stay assigned keep their positions. */
export async function assign(core: Core, request: HttpRequest): Promise<HttpReply> {
  requireManagementType(request)
  const { partitions } = readBody(request, partitionsBody)
  const group = param(request, 'group')
  const name = param(request, 'instance')
  await readInstance(core, group, name)
  const topics = await topicsOf(core, partitions)
  const wanted = new Map<string, AssignedPartition>()
  for (const { topic, partition } of partitions) {
    wanted.set(`${topic}-${partition}`, { topic, topicId: topics(topic).id, partition, position: null })
  }
  await changeAssigned(core, group, name, ({ assigned }) => {
    const before = new Map(assigned.map((entry) => [`${entry.topicId}-${entry.partition}`, entry.position]))
    return Array.from(wanted.values(), (entry) => ({
      ...entry,
      position: before.get(`${entry.topicId}-${entry.partition}`) ?? null,
    }))
  })
  return noContent
}

/** GET …/assignments */
export async function assignments(core: Core, request: HttpRequest): Promise<HttpReply> {
  const { assigned } = await readInstance(core, param(request, 'group'), param(request, 'instance'))
  return json(request, { partitions: assigned.map(({ topic, partition }) => ({ topic, partition })) })
}
