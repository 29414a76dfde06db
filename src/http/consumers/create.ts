import * as v from 'valibot'
import type { Core } from '../../runtime/core.ts'
import { readBody } from '../body.ts'
import { HttpError } from '../errors.ts'
import { nameBytesMax, waitMsMax } from '../limits.ts'
import { requireManagementType } from '../media-types.ts'
import { json } from '../replies.ts'
import { type HttpReply, type HttpRequest, param } from '../request.ts'
import { createInstance, type InstanceOptions } from './instance.ts'

/** C's settings are strings, and its clients send numbers and booleans too. */
const setting = v.nullish(v.union([v.string(), v.number(), v.boolean()], 'must be a string, a number or a boolean'))

const shape = v.strictObject({
  name: v.nullish(v.string()),
  format: setting,
  'auto.offset.reset': setting,
  'auto.commit.enable': setting,
  'enable.auto.commit': setting,
  'fetch.min.bytes': setting,
  'consumer.request.timeout.ms': setting,
})

type Body = v.InferOutput<typeof shape>

/** POST /consumers/G. 409 40902 name taken; 422: 42204 a bad setting, 40001 one out of range, else 422. */
export async function create(core: Core, request: HttpRequest): Promise<HttpReply> {
  requireManagementType(request)
  const group = requireName('group', param(request, 'group'))
  const body = readBody(request, shape)
  const name = requireName('name', body.name ?? `rest-consumer-${Buffer.from(core.random.bytes(16)).toString('hex')}`)
  await createInstance(core, group, name, readOptions(body))
  const base = `${request.origin}/consumers/${encodeURIComponent(group)}/instances/${encodeURIComponent(name)}`
  return json(request, { instance_id: name, base_uri: base })
}

/** A name has to fit into a path's segment and into a key. */
function requireName(what: string, name: string): string {
  const isPath = name !== '.' && name !== '..' && !/[/\p{Cc}]/u.test(name)
  if (name !== '' && isPath && Buffer.byteLength(name) <= nameBytesMax) return name
  throw new HttpError('constraint', `${what}: must be 1 to ${nameBytesMax} bytes, without '/' and control characters`)
}

function readOptions(body: Body): InstanceOptions {
  const ownKey = body['enable.auto.commit']
  for (const value of [ownKey, body['auto.commit.enable']]) {
    if (oneOf('auto.commit.enable', value ?? 'false', ['false', 'true']) === 'false') continue
    throw bad('auto.commit.enable "true" is not supported: commit with POST …/offsets')
  }
  return {
    format: readFormat(body.format ?? 'binary'),
    reset: oneOf('auto.offset.reset', body['auto.offset.reset'] ?? 'latest', ['latest', 'earliest']),
    minBytes: numberIn('fetch.min.bytes', body['fetch.min.bytes'] ?? -1, -1, 10_000_000, 'consumerConfigRange'),
    timeoutMs: Math.min(
      numberIn(
        'consumer.request.timeout.ms',
        body['consumer.request.timeout.ms'] ?? 1_000,
        1,
        2 ** 31 - 1,
        'consumerConfig',
      ),
      waitMsMax,
    ),
    emptyCommit: ownKey != null,
  }
}

type Setting = NonNullable<v.InferOutput<typeof setting>>

function readFormat(value: Setting): InstanceOptions['format'] {
  const text = String(value).toLowerCase()
  if (['avro', 'jsonschema', 'protobuf'].includes(text))
    throw bad(`format ${text} needs a schema registry, and there is none`)
  return oneOf('format', text, ['binary', 'json'])
}

function oneOf<T extends string>(name: string, value: Setting, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === String(value).toLowerCase())
  if (found === undefined) throw bad(`${name} must be one of ${allowed.join(', ')}`)
  return found
}

function numberIn(
  name: string,
  value: Setting,
  min: number,
  max: number,
  kind: 'consumerConfig' | 'consumerConfigRange',
): number {
  const number = /^-?\d{1,15}$/.test(String(value)) ? Number(value) : Number.NaN
  if (Number.isNaN(number)) throw bad(`${name} must be a whole number`)
  if (number >= min && number <= max) return number
  throw new HttpError(kind, `Invalid consumer configuration: ${name} must be between ${min} and ${max}`)
}

const bad = (reason: string) => new HttpError('consumerConfig', `Invalid consumer configuration: ${reason}`)
