/** From a request's bytes to its answer's: what every way to reach this broker has in common. */
import { type ApiName, apis } from '../protocol/apis.ts'
import { KafkaError } from '../protocol/errors.ts'
import { type IncomingRequest, readRequestBody, readRequestHeader, responseFrame } from '../protocol/frame.ts'
import { handlers, isServed } from './apis.ts'
import type { Broker } from './broker.ts'
import type { Caller, Peer } from './caller.ts'
import { FrameError, toKafkaError } from './errors.ts'
import type { ApiHandler } from './handler.ts'
import { unsupportedApiVersions } from './handlers/18-api-versions.ts'

/** A whole answer, its length included, in pieces to be sent one after the other. */
export type Answer = readonly Uint8Array[]

/** Whoever answers the frames of a port: a broker of this process, or something that sends them on to one. */
export type Answerer = {
  /** As `answerFrame`. */
  answer(peer: Peer, frame: Uint8Array): Promise<Answer | undefined>
  /**
   * Whether a request may be begun before those of its connection before it are answered, once the last of them has told its peer
   * that it is ordered. Its answer still comes after theirs.
   */
  overlaps(frame: Uint8Array): boolean
  /** Told of errors that no request should cause. */
  report(error: unknown): void
}

export const answererOf = (broker: Broker): Answerer => ({
  answer: (peer, frame) => answerFrame(broker, peer, frame),
  overlaps: (frame) => broker.appendsInOrder && isProduce(frame),
  report: broker.report,
})

/**
 * Answers one request. `frame` is without its length; undefined where the client wants none (Produce with
 * acks 0).
 * @throws FrameError where Kafka's broker closes the connection: no such API or version, bytes that are no such request, a failed
 *   Produce with acks 0. Nothing else.
 */
export async function answerFrame(broker: Broker, peer: Peer, frame: Uint8Array): Promise<Answer | undefined> {
  const incoming = read(() => readRequestHeader(frame))
  const { api, apiKey, apiVersion, correlationId, clientId } = incoming
  if (api === undefined) throw new FrameError(`API ${apiKey} is not known`)
  if (isServed(api, apiVersion)) return answer(broker, { ...peer, clientId }, api, incoming)
  if (api === 'apiVersions') return responseFrame(api, 0, correlationId, unsupportedApiVersions())
  throw new FrameError(`version ${apiVersion} of ${api} is not served`)
}

/** The key of Produce, which begins the frame, is 0. */
const isProduce = (frame: Uint8Array): boolean => frame[0] === 0 && frame[1] === apis.produce.key

/** Whether the first two numbers of a frame may begin a request: tells garbage before it is waited for. */
export const mayBeRequest = (apiKey: number, apiVersion: number): boolean =>
  apiKey >= 0 && apiKey < 1_000 && apiVersion >= 0 && apiVersion < 1_000

async function answer<Name extends ApiName>(
  broker: Broker,
  caller: Caller,
  name: Name,
  incoming: IncomingRequest,
): Promise<Answer | undefined> {
  const { apiVersion, correlationId } = incoming
  const handler: ApiHandler<Name> | undefined = handlers[name]
  if (!handler) throw new FrameError(`${name} is not served`)
  const request = read(() => readRequestBody(name, incoming))
  try {
    const response = await handled()
    return response && responseFrame(name, apiVersion, correlationId, response)
  } catch (error) {
    if (error instanceof FrameError) throw error
    // An answer that cannot be written: a mistake of ours.
    broker.report(error)
    throw new FrameError(`${name} has no answer`)
  }

  async function handled() {
    try {
      return await handler?.handle(broker, caller, request, apiVersion)
    } catch (error) {
      if (error instanceof FrameError) throw error
      return handler?.failed(request, toKafkaError(error, broker.report), apiVersion)
    }
  }
}

function read<T>(reading: () => T): T {
  try {
    return reading()
  } catch (error) {
    if (error instanceof KafkaError) throw new FrameError(error.message)
    throw error
  }
}
