/** Committed offsets, through a consumer instance of the group. */
import * as v from 'valibot'
import { commitOffsets, fetchOffsets, type OffsetCommit } from '../../groups/offsets.ts'
import type { Core } from '../../runtime/core.ts'
import { parseJson, readBody, requireShape, wholeNumber } from '../body.ts'
import { HttpError } from '../errors.ts'
import { requireManagementType } from '../media-types.ts'
import { json, noContent } from '../replies.ts'
import { type HttpReply, type HttpRequest, param } from '../request.ts'
import { committerOf } from './committing.ts'
import { readInstance } from './instance.ts'
import type { Instance } from './instance-item.ts'
import { type NamedPartition, namedPartition, topicsOf } from './partitions.ts'
import { keepAlive } from './upkeep.ts'

const commitBody = v.strictObject({
  offsets: v.nullish(
    v.array(v.strictObject({ ...namedPartition, offset: wholeNumber, metadata: v.nullish(v.string()) })),
  ),
})

/**
 * POST …/offsets: the offsets given, each of which is that of the last record processed, so that the next one is stored; without
 * any given, everything handed out.
 */
export async function commit(core: Core, request: HttpRequest): Promise<HttpReply> {
  requireManagementType(request)
  const { offsets } = readBody(request, commitBody)
  const instance = await readInstance(core, param(request, 'group'), param(request, 'instance'))
  const named = (offsets ?? instance.assigned).map(({ topic }) => topic)
  await request.access.requireTopics('read', named, instance.group)
  const entries = offsets ? await givenOffsets(core, offsets) : handedOut(instance)
  await commitOffsets(core, instance.group, entries, committerOf(instance))
  await keepAlive(core, instance)
  return instance.emptyCommit ? noContent : json(request, [])
}

type Given = NonNullable<v.InferOutput<typeof commitBody>['offsets']>

async function givenOffsets(core: Core, offsets: Given): Promise<OffsetCommit[]> {
  const topics = await topicsOf(core, offsets)
  // Of a partition given twice the last counts: two updates at once could end in any order.
  const entries = new Map(
    offsets.map(({ topic, partition, offset, metadata }) => [
      `${topic}-${partition}`,
      { topicId: topics(topic).id, partition, offset: offset + 1, metadata: metadata ?? '' },
    ]),
  )
  return [...entries.values()]
}

const handedOut = ({ assigned }: Instance): OffsetCommit[] =>
  assigned.flatMap(({ topicId, partition, position }) =>
    position === null ? [] : [{ topicId, partition, offset: position }],
  )

const partitionList = v.array(v.strictObject(namedPartition))
const partitionsBody = v.strictObject({ partitions: v.nullish(partitionList) })

/**
 * GET …/offsets. The partitions stand in the body, or, for clients that send none with a GET and gateways that drop it, in the
 * query: `partitions=[{"topic":"t","partition":0}]`, or `topic=T&partition=0`, pairwise where there are several, or one topic with
 * several partitions. Without any: those assigned. What was never committed is left out.
 */
export async function committed(core: Core, request: HttpRequest): Promise<HttpReply> {
  requireManagementType(request)
  const { partitions } = readBody(request, partitionsBody)
  const instance = await readInstance(core, param(request, 'group'), param(request, 'instance'))
  const wanted = partitions ?? queried(request) ?? instance.assigned
  const named = wanted.map(({ topic }) => topic)
  await request.access.requireTopics('read', named, instance.group)
  const topics = await topicsOf(core, wanted)
  await keepAlive(core, instance)
  const found = await fetchOffsets(
    core,
    instance.group,
    wanted.map(({ topic, partition }) => ({ topicId: topics(topic).id, partition })),
  )
  const offsets = wanted.flatMap(({ topic, partition }, at) => {
    const offset = found[at]
    return offset ? [{ topic, partition, offset: offset.offset, metadata: offset.metadata }] : []
  })
  return json(request, { offsets })
}

/** API Gateway hands a repeated parameter over as one, with commas. */
function queried(request: HttpRequest): NamedPartition[] | undefined {
  const { topic: topicText, partition: partitionText, partitions: list } = request.query
  if (list !== undefined) return requireShape(partitionList, parseJson(list))
  if (topicText === undefined && partitionText === undefined) return undefined
  const topics = topicText?.split(',') ?? []
  const partitions = partitionText?.split(',') ?? []
  if (topics.length !== partitions.length && topics.length !== 1) {
    throw new HttpError(
      'constraint',
      'topic and partition: must be given equally often, or one topic for all partitions',
    )
  }
  return partitions.map((text, at) => {
    if (!/^\d{1,10}$/.test(text)) throw new HttpError('constraint', 'partition: must be a whole number')
    return { topic: topics[at] ?? topics[0] ?? '', partition: Number(text) }
  })
}
