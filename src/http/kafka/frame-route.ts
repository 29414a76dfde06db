/**
 * `POST /kafka`: one Kafka frame a call, as `millrace connect` sends it. IAM has let the caller in; what the frame may touch, the
 * broker's handlers ask of the caller's grants.
 */
import { type Answer, answerFrame } from '../../broker/answer-frame.ts'
import { viewBeside } from '../../broker/beside.ts'
import { type Broker, newBroker } from '../../broker/broker.ts'
import { oneNodeBeside } from '../../broker/cluster-view.ts'
import { FrameError, isOfStore } from '../../broker/errors.ts'
import { apiOfKey } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Core } from '../../runtime/core.ts'
import type { Memory } from '../../runtime/memory.ts'
import { HttpError } from '../errors.ts'
import { kafkaAnswerBytesMax, kafkaFetchWaitMsMax, kafkaRecordsBytesMax, waitMsMax } from '../limits.ts'
import type { HttpReply, HttpRequest, RouteHandler } from '../request.ts'
import { advertiseHeader, frameType, kafkaRoute, pendingHeader } from './wire.ts'

export const kafkaRoutes = { [kafkaRoute]: answerOne } satisfies Record<typeof kafkaRoute, RouteHandler>

/** API, version and correlation id. */
const frameBytesMin = 8
const lengthBytes = 4

/**
 * 400 for what is no Kafka request that is served here: whoever sent it for a client closes that client's connection. 503 where a
 * broker would close it for the store's sake.
 */
async function answerOne(core: Core, request: HttpRequest): Promise<HttpReply> {
  const frame = frameOf(request)
  const api = apiOfKey(frame.readInt16BE(0))
  let failure: unknown
  let pending: string | undefined
  const report = (error: unknown) => {
    failure = error
  }
  const peer = {
    clientHost: lastOf(request.headers['x-forwarded-for']),
    connectionId: '',
    access: request.access,
    signal: request.caller?.gone ?? new AbortController().signal,
    waitMsMax: api === 'fetch' ? kafkaFetchWaitMsMax : waitMsMax,
    answerBytesMax: kafkaRecordsBytesMax,
    onPending: (memberId: string) => {
      pending = memberId
    },
  }
  let answer: Answer | undefined
  try {
    answer = await answerFrame(await brokerFor(core, request, api, report), peer, frame)
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    const isTrouble = error.cause instanceof KafkaError && isOfStore(error.cause)
    throw new HttpError(isTrouble ? 'unavailable' : 'malformed', error.message)
  }
  return {
    ...(answer ? inOnePiece(answer) : { status: 204 }),
    headers: {
      ...(answer ? { 'content-type': frameType } : {}),
      ...(pending === undefined ? {} : { [pendingHeader]: encodeURIComponent(pending) }),
    },
    noted: { kafkaApi: `${api ?? frame.readInt16BE(0)} v${frame.readInt16BE(2)}` },
    ...(failure === undefined ? {} : { error: failure, partialErrorCode: 500 }),
  }
}

function frameOf({ headers, body }: HttpRequest): Buffer {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  // Any other type may have come as text, which leaves no byte above 127 as it was.
  if (type !== frameType) {
    throw new HttpError('unsupportedType', `Content-Type ${type || '(none)'} is not supported: use ${frameType}`)
  }
  const frame = Buffer.from(body.buffer, body.byteOffset, body.length)
  if (frame.length < frameBytesMin) throw new HttpError('malformed', 'the body is no Kafka request')
  return frame
}

function inOnePiece(answer: Answer): Pick<HttpReply, 'status' | 'body'> {
  const whole = Buffer.concat(answer)
  if (whole.length - lengthBytes <= kafkaAnswerBytesMax) return { status: 200, body: whole.subarray(lengthBytes) }
  throw new HttpError(
    'tooLarge',
    `The answer is larger than ${kafkaAnswerBytesMax} bytes, the most that one call gives.`,
  )
}

/** What a process keeps from call to call. Never the truth. */
const kept = new WeakMap<Memory, Pick<Broker, 'producerIds' | 'topicNames'>>()

async function brokerFor(
  core: Core,
  request: HttpRequest,
  api: ReturnType<typeof apiOfKey>,
  report: (error: unknown) => void,
): Promise<Broker> {
  const { host, port } = advertised(request)
  const view = oneNodeBeside(await viewBeside(core, api), host, port)
  const broker = newBroker({ core, view, report })
  const known = kept.get(core.memory) ?? { producerIds: broker.producerIds, topicNames: broker.topicNames }
  kept.set(core.memory, known)
  return { ...broker, ...known }
}

/** As HOST:PORT; an IPv6 address stands in brackets. */
const address = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([a-zA-Z0-9._-]{1,253})):(\d{1,5})$/

function advertised({ headers }: HttpRequest): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits = ''] = address.exec(headers[advertiseHeader] ?? '') ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host !== undefined && port >= 1 && port <= 65_535) return { host, port }
  throw new HttpError(
    'malformed',
    `the header ${advertiseHeader} must say HOST:PORT, where Kafka clients reach the sender`,
  )
}

const lastOf = (list: string | undefined): string => list?.split(',').at(-1)?.trim() ?? ''
