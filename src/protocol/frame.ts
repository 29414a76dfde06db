/**
 * Frames: a length (int32, not counting itself), a header, a message. The length of a frame that comes in is for whoever reads the
 * connection; everything here begins after it.
 */
import { type ApiName, apiOfKey, apis, type RequestOf, type ResponseOf } from './apis.ts'
import type { Message, MessageIn, MessageOut } from './codec/message.ts'
import { malformed, type Reader, readerOf, readInt16 } from './codec/reader.ts'
import { newWriter, type Writer, writeInt32, writtenParts } from './codec/writer.ts'
import { requestHeader, responseHeader } from './messages/headers.ts'

/** A request whose body is not read yet. */
export type IncomingRequest = {
  /** Undefined for an API that we do not know: only the key and the version are known of such a request. */
  readonly api: ApiName | undefined
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Where the body begins. */
  readonly body: Reader
}

/** @throws KafkaError INVALID_REQUEST where there is no header */
export function readRequestHeader(frame: Uint8Array): IncomingRequest {
  const body = readerOf(frame, 'a request')
  const apiKey = readInt16(body)
  const apiVersion = readInt16(body)
  const api = apiOfKey(apiKey)
  if (!api) return { api, apiKey, apiVersion, correlationId: 0, clientId: null, body }
  body.at = 0
  // Also for a version that we do not know: ApiVersions of a newer client is answered.
  const { correlationId, clientId } = requestHeader.read(body, isFlexible(apis[api].request, apiVersion) ? 2 : 1)
  return { api, apiKey, apiVersion, correlationId, clientId, body }
}

/**
 * The body of a request. Bytes after it are ignored, as Kafka's broker does: librdkafka (2.16, a Metadata v13 request for all
 * topics) leaves three behind.
 * @throws KafkaError INVALID_REQUEST, UNSUPPORTED_VERSION
 */
export function readRequestBody<Name extends ApiName>(
  name: Name,
  { apiVersion, body }: IncomingRequest,
): RequestOf<Name> {
  body.what = `${name} v${apiVersion}`
  const value = apis[name].request.read(body, apiVersion)
  // The cast is sound: it was read by the table from which the type is made.
  return value as RequestOf<Name>
}

/**
 * A whole answer, its length included, in pieces to be sent one after the other: records of some size are not copied, so they may
 * not change before they are sent.
 */
export function responseFrame<Name extends ApiName>(
  name: Name,
  version: number,
  correlationId: number,
  value: ResponseOf<Name>,
): Uint8Array[] {
  const { response } = apis[name]
  return frame((writer) => {
    responseHeader.write(writer, responseHeaderVersion(name, version), { correlationId })
    // The cast is sound: the type is made from this table.
    response.write(writer, version, value as never)
  })
}

/** A whole request, its length included, in pieces as an answer. */
export function requestFrame<Name extends ApiName>(
  name: Name,
  version: number,
  { correlationId, clientId }: { readonly correlationId: number; readonly clientId: string | null },
  value: MessageIn<(typeof apis)[Name]['request']>,
): Uint8Array[] {
  const { key, request } = apis[name]
  const header = { requestApiKey: key, requestApiVersion: version, correlationId, clientId }
  return frame((writer) => {
    requestHeader.write(writer, isFlexible(request, version) ? 2 : 1, header)
    // The cast is sound: the type is made from this table.
    request.write(writer, version, value as never)
  })
}

/**
 * An answer to a request of this API and version, without its length.
 * @throws KafkaError INVALID_REQUEST
 */
export function readResponse<Name extends ApiName>(
  name: Name,
  version: number,
  bytes: Uint8Array,
): { readonly correlationId: number; readonly value: MessageOut<(typeof apis)[Name]['response']> } {
  const { response } = apis[name]
  const reader = readerOf(bytes, `an answer of ${name} v${version}`)
  const { correlationId } = responseHeader.read(reader, responseHeaderVersion(name, version))
  const value = response.read(reader, version)
  if (reader.at !== reader.end) throw malformed(reader, `${reader.end - reader.at} bytes too many`)
  // The cast is sound: it was read by the table from which the type is made.
  return { correlationId, value: value as MessageOut<(typeof apis)[Name]['response']> }
}

const responseHeaderVersion = (name: ApiName, version: number): number =>
  name !== 'apiVersions' && isFlexible(apis[name].response, version) ? 1 : 0

/** What `message.firstFlexible` says, also beyond the versions we know. */
const isFlexible = ({ firstFlexible }: Message<unknown, never>, version: number): boolean => version >= firstFlexible

function frame(write: (writer: Writer) => void): Uint8Array[] {
  const writer = newWriter()
  writer.apart = []
  writeInt32(writer, 0)
  write(writer)
  const apart = writer.apart.reduce((sum, { bytes }) => sum + bytes.length, 0)
  writer.bytes.writeInt32BE(writer.at - 4 + apart)
  return writtenParts(writer)
}
