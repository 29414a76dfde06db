/**
 * What stands behind the port of `millrace connect`: each frame goes to the far end, and its answer comes back. It keeps nothing
 * that matters; killed and started again, it goes on.
 */
import type { Answer, Answerer } from '../broker/answer-frame.ts'
import type { Peer } from '../broker/caller.ts'
import { FrameError } from '../broker/errors.ts'
import { produce } from '../broker/handlers/00-produce.ts'
import { fetch } from '../broker/handlers/01-fetch.ts'
import { bodyBytesMax } from '../http/limits.ts'
import type { ApiName, RequestOf, ResponseOf } from '../protocol/apis.ts'
import { KafkaError } from '../protocol/errors.ts'
import {
  type IncomingRequest,
  readRequestBody,
  readRequestHeader,
  readResponse,
  requestFrame,
  responseFrame,
} from '../protocol/frame.ts'
import type { Clock } from '../runtime/clock.ts'
import { asking } from './asking.ts'
import { type FarEnd, FarEndError } from './far-end.ts'
import { placeOf, topicRef, withoutLength } from './fetch-frames.ts'
import { fetches } from './fetches.ts'
import { joining } from './joining.ts'
import { joined, portionsOf } from './portions.ts'
import { isIdempotent } from './produced.ts'
import { topicIds } from './topic-ids.ts'
import { watch } from './watch.ts'

export type RelayOptions = {
  readonly farEnd: FarEnd
  readonly clock: Clock
  /** The longest pause between two looks for new records; a record that did not come through this port waits so long. */
  readonly longestPauseMs: number
  /** Told, in a line, why a client's connection is closed. */
  readonly tell: (line: string) => void
}

/**
 * Doing these twice does no harm, also late. Not among them: commits (an old one may overtake a new one), leaving, and whatever
 * makes, changes or deletes; their clients know best.
 */
const safeTwice: ReadonlySet<ApiName> = new Set<ApiName>([
  'apiVersions',
  'metadata',
  'findCoordinator',
  'listOffsets',
  'offsetFetch',
  'offsetForLeaderEpoch',
  'heartbeat',
  'initProducerId',
  'describeCluster',
  'describeConfigs',
  'describeGroups',
  'describeLogDirs',
  'describeProducers',
  'describeTopicPartitions',
  'listGroups',
])

export function relay({ farEnd, clock, longestPauseMs, tell }: RelayOptions): Answerer {
  const far = asking(farEnd, clock)
  const watching = watch({ ask: (frame) => far.ask(frame, true), clock, longestPauseMs })
  const fetching = fetches(far, watching, clock)
  const ids = topicIds()

  const passed = async (incoming: IncomingRequest, frame: Uint8Array): Promise<Buffer | undefined> => {
    const { api, apiVersion } = incoming
    const { frame: answer } = await far.ask(frame, api !== undefined && safeTwice.has(api))
    if (api === 'metadata' && answer) ids.learn(readResponse(api, apiVersion, answer).value.topics)
    return answer
  }

  const produced = async (incoming: IncomingRequest, frame: Uint8Array): Promise<Buffer | undefined> => {
    const { apiVersion: version, ...header } = incoming
    const request = readRequestBody('produce', incoming)
    const answers: ResponseOf<'produce'>[] = []
    for (const portion of portionsOf(request, frame.length, bodyBytesMax)) {
      const whole = portion === request ? frame : withoutLength(requestFrame('produce', version, header, portion))
      const answer = await appended(portion, version, whole)
      if (answer) answers.push(answer)
    }
    if (answers.length === 0) return undefined
    return withoutLength(responseFrame('produce', version, header.correlationId, joined(request, answers)))
  }

  const appended = async (request: RequestOf<'produce'>, version: number, frame: Uint8Array) => {
    if (frame.length > bodyBytesMax) return produce.failed(request, tooLarge, version)
    const { frame: answer } = await far.ask(frame, isIdempotent(request))
    const done = answer && readResponse('produce', version, answer).value
    watching.wake(
      (done?.responses ?? []).flatMap(({ name, topicId, partitionResponses }) =>
        partitionResponses.flatMap(({ index, errorCode }) =>
          errorCode === 0 ? ids.alike(topicRef(name, topicId)).map((ref) => placeOf(ref, index)) : [],
        ),
      ),
    )
    return done
  }

  const relayed = (peer: Peer, incoming: IncomingRequest, frame: Uint8Array): Promise<Buffer | undefined> => {
    switch (incoming.api) {
      case 'fetch':
        return fetching.answer(peer, incoming)
      case 'produce':
        return produced(incoming, frame)
      case 'joinGroup':
      case 'syncGroup':
        return joining(far, clock, peer.signal, incoming.api, frame)
      default:
        return passed(incoming, frame)
    }
  }

  return {
    overlaps: () => false,
    report: (error) => tell(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    async answer(peer, frame) {
      try {
        const answer = await relayed(peer, readRequestHeader(frame), frame)
        return answer && withLength(answer)
      } catch (error) {
        if (error instanceof KafkaError) throw new FrameError(error.message)
        if (!(error instanceof FarEndError)) throw error
        const answer = error.trouble === 'too-large' ? failedFetch(frame) : undefined
        if (answer) return answer
        if (!peer.signal.aborted) tell(wordsFor(error))
        throw new FrameError(error.message)
      }
    },
  }
}

function withLength(frame: Buffer): Answer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(frame.length)
  return [length, frame]
}

/** As Kafka answers: producers make smaller batches of it, consumers say what is wrong. */
const tooLarge = new KafkaError(
  'MESSAGE_TOO_LARGE',
  `one call to a deployment without brokers carries at most ${bodyBytesMax} bytes: send smaller batches`,
)

function failedFetch(frame: Uint8Array): Answer | undefined {
  const incoming = readRequestHeader(frame)
  const { api, apiVersion: version, correlationId } = incoming
  if (api !== 'fetch') return undefined
  return responseFrame(api, version, correlationId, fetch.failed(readRequestBody(api, incoming), tooLarge, version))
}

const hints: Partial<Record<FarEndError['trouble'], string>> = {
  refused: ' (these credentials need execute-api:Invoke on POST /kafka of this API)',
  unknown: ' (the call may have been done; its client was cut off, and will ask again)',
}

const wordsFor = ({ trouble, message }: FarEndError): string => `${message}${hints[trouble] ?? ''}`
