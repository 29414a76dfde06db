import * as v from 'valibot'
import type { Core } from '../../runtime/core.ts'
import { readBody } from '../body.ts'
import { HttpError } from '../errors.ts'
import { requireManagementType } from '../media-types.ts'
import { json, noContent } from '../replies.ts'
import { type HttpReply, type HttpRequest, param } from '../request.ts'
import { requireTopicName } from '../topics.ts'
import { mixed } from './assignments.ts'
import { autoCommit } from './committing.ts'
import { changeInstance, readInstance } from './instance.ts'
import type { Instance, Subscription } from './instance-item.ts'
import { leave, nobody } from './membership.ts'
import { subscribedTopics } from './subscribed-topics.ts'
import { topicPattern } from './topic-pattern.ts'
import { keepAlive } from './upkeep.ts'

/** Subscriptions travel with every join, and lie in the instance's item. */
const topicsMax = 1_000

const body = v.strictObject({
  topics: v.nullish(v.array(v.string(), 'must be a list of topics')),
  topic_pattern: v.nullish(v.string()),
})

/**
 * POST …/subscription: these topics, whether or not they exist yet, or those that match a pattern, instead of any before. As in C,
 * topics win over a pattern, and without either nothing happens. The next poll joins the group.
 */
export async function subscribe(core: Core, request: HttpRequest): Promise<HttpReply> {
  requireManagementType(request)
  const wanted = wantedBy(readBody(request, body))
  const group = param(request, 'group')
  const name = param(request, 'instance')
  const now = await readInstance(core, group, name)
  if (!wanted) {
    await keepAlive(core, now)
    return noContent
  }
  requireSameKind(now, wanted)
  if ('topics' in wanted) await request.access.requireTopics('read', wanted.topics, group)
  await changeInstance(core, group, name, (instance) => {
    requireSameKind(instance, wanted)
    return { subscription: wanted, rejoin: instance.generation >= 0, epoch: instance.epoch + 1 }
  })
  return noContent
}

function wantedBy({ topics, topic_pattern: pattern }: v.InferOutput<typeof body>): Subscription | undefined {
  if (topics && topics.length > 0) {
    if (topics.length > topicsMax) throw new HttpError('constraint', `topics: may be at most ${topicsMax}`)
    return { topics: [...new Set(topics.map(requireTopicName))] }
  }
  if (!pattern) return undefined
  // Refused here, not at some later poll.
  topicPattern(pattern)
  return { pattern }
}

/** As in Java, an instance keeps to one kind until it has unsubscribed. */
function requireSameKind({ subscription, assigned }: Instance, wanted: Subscription): void {
  const isOther = subscription ? 'topics' in subscription !== 'topics' in wanted : assigned.length > 0
  if (isOther) throw mixed()
}

/** GET …/subscription; of a pattern, the topics that match it now. */
export async function subscription(core: Core, request: HttpRequest): Promise<HttpReply> {
  const instance = await readInstance(core, param(request, 'group'), param(request, 'instance'))
  await keepAlive(core, instance)
  return json(request, { topics: await subscribedTopics(core, request.access, instance) })
}

/**
 * DELETE …/subscription: commits what was handed out, if auto commit is on, and leaves the group. As in Confluent's it also ends an
 * assignment by hand.
 */
export async function unsubscribe(core: Core, request: HttpRequest): Promise<HttpReply> {
  const { before } = await changeInstance(
    core,
    param(request, 'group'),
    param(request, 'instance'),
    async (instance) => {
      if (!instance.subscription && instance.assigned.length === 0) return undefined
      await autoCommit(core, instance)
      return { ...nobody(instance), subscription: undefined }
    },
  )
  await leave(core, before)
  return noContent
}
