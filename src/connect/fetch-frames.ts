/** Fetch requests and answers as they pass through: read, cut and put together. */
import { zeroUuid } from '../protocol/codec/schema.ts'
import { type IncomingRequest, readRequestBody, readResponse, requestFrame } from '../protocol/frame.ts'

/** A topic as a request names it: its name, or `#` and its id. No name holds a `#`. */
export const topicRef = (name: string, id: string): string => (id === zeroUuid || id === '' ? name : `#${id}`)

/** `<topic ref>/<partition>` */
export type Place = string
export const placeOf = (ref: string, partition: number): Place => `${ref}/${partition}`

export type AskedFetch = {
  readonly version: number
  /** The request, to be answered at once and without a correlation id of its own; without its length. */
  readonly frame: Buffer
  /** Equal for equal requests. */
  readonly key: string
  readonly places: readonly Place[]
  readonly maxWaitMs: number
  readonly minBytes: number
}

export function readFetch(incoming: IncomingRequest): AskedFetch {
  const { apiVersion: version, clientId } = incoming
  const request = readRequestBody('fetch', incoming)
  const frame = withoutLength(
    requestFrame('fetch', version, { correlationId: 0, clientId }, { ...request, maxWaitMs: 0 }),
  )
  return {
    version,
    frame,
    key: frame.toString('latin1'),
    places: request.topics.flatMap(({ topic, topicId, partitions }) =>
      partitions.map(({ partition }) => placeOf(topicRef(topic, topicId), partition)),
    ),
    maxWaitMs: Math.max(0, request.maxWaitMs),
    minBytes: request.minBytes,
  }
}

export type FetchAnswer = {
  /** Without its length. */
  readonly frame: Buffer
  readonly bytes: number
  readonly isFailed: boolean
  /** The end of the log of each partition, save of those that failed. */
  readonly highs: ReadonlyMap<Place, number>
  readonly failed: readonly Place[]
}

export function readFetchAnswer(version: number, frame: Buffer): FetchAnswer {
  const { value } = readResponse('fetch', version, frame)
  const highs = new Map<Place, number>()
  const failed: Place[] = []
  let bytes = 0
  for (const { topic, topicId, partitions } of value.responses) {
    for (const { partitionIndex, errorCode, highWatermark, records } of partitions) {
      const place = placeOf(topicRef(topic, topicId), partitionIndex)
      if (errorCode === 0) highs.set(place, highWatermark)
      else failed.push(place)
      bytes += records?.length ?? 0
    }
  }
  return { frame, bytes, isFailed: value.errorCode !== 0 || failed.length > 0, highs, failed }
}

/** The newest version that names topics, and one that knows them by id. */
const byNameVersion = 12
const byIdVersion = 13

export type Probe = { readonly version: number; readonly frame: Buffer }

/** Requests that only ask whether anything lies behind these ends: at most one for topics by name and one by id. */
export function probesOf(ends: ReadonlyMap<Place, number>): readonly Probe[] {
  const named = new Map<string, Topic>()
  const byId = new Map<string, Topic>()
  for (const [place, fetchOffset] of ends) {
    const slash = place.lastIndexOf('/')
    const ref = place.slice(0, slash)
    const isId = ref.startsWith('#')
    const topics = isId ? byId : named
    const topic = topics.get(ref) ?? { ...(isId ? { topicId: ref.slice(1) } : { topic: ref }), partitions: [] }
    topics.set(ref, topic)
    topic.partitions.push({ partition: Number(place.slice(slash + 1)), fetchOffset, partitionMaxBytes: 1 })
  }
  return [
    ...(named.size > 0 ? [probe(byNameVersion, [...named.values()])] : []),
    ...(byId.size > 0 ? [probe(byIdVersion, [...byId.values()])] : []),
  ]
}

type Topic = {
  readonly topic?: string
  readonly topicId?: string
  readonly partitions: { partition: number; fetchOffset: number; partitionMaxBytes: number }[]
}

const probe = (version: number, topics: readonly Topic[]): Probe => ({
  version,
  frame: withoutLength(
    requestFrame(
      'fetch',
      version,
      { correlationId: 0, clientId: 'millrace-connect' },
      {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 1,
        topics: [...topics],
      },
    ),
  ),
})

export const withoutLength = (frame: readonly Uint8Array[]): Buffer => Buffer.concat(frame).subarray(4)
