import { HttpError, metadataType } from './errors.ts'
import type { HttpRequest } from './request.ts'

/** The two forms of keys and values that need no schema registry. */
export type EmbeddedFormat = 'json' | 'binary'

const embeddedTypes: Record<EmbeddedFormat, string> = {
  json: 'application/vnd.kafka.json.v2+json',
  binary: 'application/vnd.kafka.binary.v2+json',
}
export const embeddedType = (format: EmbeddedFormat): string => embeddedTypes[format]

/** What Confluent accepts as the type of a management call's body; curl's own default among them is not. */
const managementTypes = [metadataType, 'application/vnd.kafka+json', 'application/json', 'application/octet-stream']

const bare = (type: string): string => (type.split(';')[0] ?? '').trim().toLowerCase()

function embeddedFormat(type: string): EmbeddedFormat | undefined {
  if (type === embeddedTypes.json) return 'json'
  return type === embeddedTypes.binary ? 'binary' : undefined
}

const needsRegistry = /^application\/vnd\.kafka\.(avro|jsonschema|protobuf)\.v2\+json$/

/** The format of a produce body, by its Content-Type. 415 for any other. */
export function producedFormat(request: HttpRequest): EmbeddedFormat {
  const type = bare(request.headers['content-type'] ?? '')
  const format = embeddedFormat(type)
  if (format) return format
  const reason = needsRegistry.test(type) ? ' (it needs a schema registry, and there is none)' : ''
  throw new HttpError(
    'unsupportedType',
    `Content-Type ${type || '(none)'} is not supported${reason}: use ${embeddedTypes.json} or ${embeddedTypes.binary}`,
  )
}

/** Refuses a body whose Content-Type is not JSON of some kind. No Content-Type passes. */
export function requireManagementType(request: HttpRequest): void {
  const type = bare(request.headers['content-type'] ?? metadataType)
  if (request.body.length === 0 || managementTypes.includes(type)) return
  throw new HttpError('unsupportedType', `Content-Type ${type} is not supported: use ${metadataType}`)
}

/** The types a caller accepts, best first; without the header, anything. */
function accepted(request: HttpRequest): string[] {
  const header = request.headers.accept ?? '*/*'
  return header
    .split(',')
    .map((part) => ({ type: bare(part), quality: Number(/;\s*q=([\d.]+)/i.exec(part)?.[1] ?? 1) }))
    .filter(({ type, quality }) => type !== '' && quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ type }) => type)
}

const anything = ['*/*', 'application/*']

/** The Content-Type of a management answer. 406 where the caller takes none of ours. */
export function answerType(request: HttpRequest): string {
  for (const type of accepted(request)) {
    if (anything.includes(type)) return metadataType
    if (managementTypes.slice(0, 3).includes(type)) return type
    // Clients of the produce calls send the embedded type here too, and Confluent answers with it.
    if (embeddedFormat(type)) return type
  }
  throw new HttpError('notAcceptable', `none of ${request.headers.accept} can be given: accept ${metadataType}`)
}

/** 415 for a v3 body that says it is not JSON. */
export function requireJsonBody(request: HttpRequest): void {
  const type = bare(request.headers['content-type'] ?? 'application/json')
  if (type === 'application/json') return
  throw new HttpError('unsupportedType', `Content-Type ${type} is not supported: use application/json`)
}

/** For v3, whose only type is JSON. */
export function requireJsonAccepted(request: HttpRequest): void {
  if (accepted(request).some((type) => anything.includes(type) || type === 'application/json')) return
  throw new HttpError('notAcceptable', `none of ${request.headers.accept} can be given: accept application/json`)
}

/**
 * The form in which records go out. An unspecific Accept gets `whenAny`; 40601 where the caller asks for another form than
 * `only`, the one a consumer instance was created with; 406 for what nobody gives.
 */
export function recordsFormat(request: HttpRequest, whenAny: EmbeddedFormat, only?: EmbeddedFormat): EmbeddedFormat {
  let asksForOther = false
  for (const type of accepted(request)) {
    if (anything.includes(type) || managementTypes.includes(type)) return whenAny
    const format = embeddedFormat(type)
    if (format && (only === undefined || format === only)) return format
    if (format || needsRegistry.test(type)) asksForOther = true
  }
  if (only && asksForOther) {
    throw new HttpError(
      'otherFormat',
      `The consumer instance was created with the format ${only}: accept ${embeddedTypes[only]}`,
    )
  }
  const ours = `accept ${embeddedTypes.json} or ${embeddedTypes.binary}`
  throw new HttpError('notAcceptable', `none of ${request.headers.accept} can be given: ${ours}`)
}
