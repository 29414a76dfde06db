/** Seeks. All of a call's partitions must be assigned (409 40903); its positions move together or not at all. */
import * as v from 'valibot'
import { listOffset, partitionBounds } from '../../log/offsets.ts'
import type { Topic } from '../../log/topics.ts'
import type { Core } from '../../runtime/core.ts'
import { readBody, wholeNumber } from '../body.ts'
import { requireManagementType } from '../media-types.ts'
import { noContent } from '../replies.ts'
import { type HttpReply, type HttpRequest, param } from '../request.ts'
import { changeInstance, readInstance } from './instance.ts'
import { assignedAmong, moved, type NamedPartition, namedPartition, partitionsBody, topicsOf } from './partitions.ts'

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)$/i

const timestamp = v.pipe(
  v.string(),
  v.regex(isoTime, 'must be an ISO-8601 time with a zone, such as 2021-02-05T19:14:42Z'),
  v.transform((text) => Date.parse(text.replace(/([+-]\d\d)$/, '$1:00').replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))),
  v.number('is no time that exists'),
)

const seekBody = v.strictObject({
  offsets: v.nullish(
    v.array(v.strictObject({ ...namedPartition, offset: wholeNumber, metadata: v.nullish(v.string()) })),
  ),
  timestamps: v.nullish(v.array(v.strictObject({ ...namedPartition, timestamp }))),
})

/** POST …/positions: to offsets, and to the first record at or after a time (to the end, where there is none). */
export async function seek(core: Core, request: HttpRequest): Promise<HttpReply> {
  requireManagementType(request)
  const { offsets, timestamps } = readBody(request, seekBody)
  const wanted: Wanted[] = [
    ...(offsets ?? []).map((entry) => ({ ...entry, find: async () => entry.offset })),
    ...(timestamps ?? []).map((entry) => ({
      ...entry,
      find: async (topic: Topic) => {
        const { offset } = await listOffset(core, topic, entry.partition, { timestampMs: entry.timestamp })
        return offset >= 0 ? offset : (await listOffset(core, topic, entry.partition, 'latest')).offset
      },
    })),
  ]
  return seekTo(core, request, wanted)
}

/** POST …/positions/beginning and …/positions/end: where those are at this moment. */
export const seekToBound =
  (bound: 'earliest' | 'latest') =>
  async (core: Core, request: HttpRequest): Promise<HttpReply> => {
    requireManagementType(request)
    const { partitions } = readBody(request, partitionsBody)
    const find = (partition: number) => async (topic: Topic) => (await partitionBounds(core, topic, partition))[bound]
    return seekTo(
      core,
      request,
      partitions.map((entry) => ({ ...entry, find: find(entry.partition) })),
    )
  }

/** A partition, and how to find where it shall go on. */
type Wanted = NamedPartition & { readonly find: (topic: Topic) => Promise<number> }

async function seekTo(core: Core, request: HttpRequest, wanted: readonly Wanted[]): Promise<HttpReply> {
  const group = param(request, 'group')
  const name = param(request, 'instance')
  assignedAmong(await readInstance(core, group, name), wanted)
  await request.access.requireTopics(
    'read',
    wanted.map(({ topic }) => topic),
    group,
  )
  const topics = await topicsOf(core, wanted)
  const to = await Promise.all(
    wanted.map(async ({ topic: topicName, partition, find }) => {
      const topic = topics(topicName)
      return { topic: topicName, topicId: topic.id, partition, position: await find(topic) }
    }),
  )
  await changeInstance(core, group, name, (instance) => {
    // Again, for a rival call may have taken it away since.
    assignedAmong(instance, wanted)
    return { assigned: moved(instance.assigned, to), epoch: instance.epoch + 1 }
  })
  return noContent
}
