/**
 * GET /topics/T/partitions/P/records?offset=&count=&timeout=&max_bytes=: a stateless read, as pandaproxy has it, with `count` added.
 * `offset` must be given; without a timeout the call answers at once with what there is.
 */
import { fetch } from '../../log/fetch.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { HttpError } from '../errors.ts'
import { handOut, handOutFrom, recordsReply } from '../handed-records.ts'
import { replyBytesWanted, waitMsMax } from '../limits.ts'
import { recordsFormat } from '../media-types.ts'
import { queryNumber } from '../query.ts'
import { param, type RouteHandlers } from '../request.ts'
import { pathPartition, topicWith } from '../topics.ts'

export const directFetchRoutes = {
  'GET /topics/{topic}/partitions/{partition}/records': async (core, request) => {
    const format = recordsFormat(request, 'binary')
    const offset = queryNumber(request, 'offset')
    if (offset === undefined) throw new HttpError('badRequest', 'The parameter offset is missing.')
    const maxBytes = queryNumber(request, 'max_bytes') ?? replyBytesWanted
    const maxWaitMs = Math.min(queryNumber(request, 'timeout') ?? 0, waitMsMax)
    const handed = handOut(format, maxBytes, queryNumber(request, 'count'))
    const partition = pathPartition(request)
    const topic = await topicWith(core, param(request, 'topic'), [partition])
    const wanted = Math.min(Math.max(maxBytes, 1), replyBytesWanted)
    const [fetched] = await fetch(core, {
      partitions: [{ topic, partition, offset, maxBytes: wanted }],
      maxBytes: wanted,
      minBytes: 1,
      maxWaitMs,
    })
    if (!fetched) throw new KafkaError('UNKNOWN_SERVER_ERROR', 'The log gave no answer.')
    if ('error' in fetched) throw fetched.error
    await handOutFrom(handed, { topic: topic.name, partition, offset, batches: fetched.batches })
    return recordsReply(handed)
  },
} satisfies RouteHandlers
