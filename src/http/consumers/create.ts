import * as v from 'valibot'
import { nameGroup } from '../../groups/names.ts'
import type { Core } from '../../runtime/core.ts'
import { readBody } from '../body.ts'
import { HttpError } from '../errors.ts'
import { nameBytesMax, waitMsMax } from '../limits.ts'
import { requireManagementType } from '../media-types.ts'
import { json } from '../replies.ts'
import { type HttpReply, type HttpRequest, param } from '../request.ts'
import { createInstance } from './instance.ts'
import { defaultIdleMs, defaultRebalanceMs, type InstanceOptions, type Strategy, strategies } from './instance-item.ts'
import { leave } from './membership.ts'

/** Confluent's settings are strings, and its clients send numbers and booleans too. */
const setting = v.nullish(v.union([v.string(), v.number(), v.boolean()], 'must be a string, a number or a boolean'))

const shape = v.strictObject({
  /** Confluent's clients of old say `id`. */
  id: v.nullish(v.string()),
  name: v.nullish(v.string()),
  format: setting,
  'auto.offset.reset': setting,
  'auto.commit.enable': setting,
  'enable.auto.commit': setting,
  'fetch.min.bytes': setting,
  'consumer.request.timeout.ms': setting,
  'auto.commit.interval.ms': setting,
  'consumer.instance.timeout.ms': setting,
  'session.timeout.ms': setting,
  'max.poll.interval.ms': setting,
  'partition.assignment.strategy': setting,
})

type Body = v.InferOutput<typeof shape>

/** POST /consumers/G. 409 40902 name taken; 422: 42204 a bad setting, 40001 one out of range, else 422. */
export async function create(core: Core, request: HttpRequest): Promise<HttpReply> {
  requireManagementType(request)
  const group = requireName('group', param(request, 'group'))
  const body = readBody(request, shape)
  const name = requireName(
    'name',
    body.name ?? body.id ?? `rest-consumer-${Buffer.from(core.random.bytes(16)).toString('hex')}`,
  )
  const options = readOptions(core, body)
  // By its name the schedule finds the instances that nobody uses any more.
  await nameGroup(core, group)
  const idle = await createInstance(core, group, name, options)
  if (idle) await leave(core, idle)
  const base = `${request.origin}/consumers/${encodeURIComponent(group)}/instances/${encodeURIComponent(name)}`
  return json(request, { instance_id: name, base_uri: base })
}

/** A name has to fit into a path's segment and into a key. */
function requireName(what: string, name: string): string {
  const isPath = name !== '.' && name !== '..' && !/[/\p{Cc}]/u.test(name)
  if (name !== '' && isPath && Buffer.byteLength(name) <= nameBytesMax) return name
  throw new HttpError('constraint', `${what}: must be 1 to ${nameBytesMax} bytes, without '/' and control characters`)
}

const longestMs = 2 ** 31 - 1

function readOptions(core: Core, body: Body): InstanceOptions {
  const ownKey = body['enable.auto.commit']
  const commits = oneOf('auto.commit.enable', ownKey ?? body['auto.commit.enable'] ?? 'true', ['false', 'true'])
  const time = (name: keyof Body, fallback: number, min: number, max: number) =>
    numberIn(name, body[name] ?? fallback, min, max, 'consumerConfig')
  const { groupMinSessionTimeoutMs: sessionMin, groupMaxSessionTimeoutMs: sessionMax } = core.settings
  const idleMs = time('consumer.instance.timeout.ms', defaultIdleMs, 1_000, longestMs)
  const intervalMs = time('auto.commit.interval.ms', 5_000, 1, longestMs)
  return {
    format: readFormat(body.format ?? 'binary'),
    reset: oneOf('auto.offset.reset', body['auto.offset.reset'] ?? 'latest', ['latest', 'earliest']),
    minBytes: numberIn('fetch.min.bytes', body['fetch.min.bytes'] ?? -1, -1, 10_000_000, 'consumerConfigRange'),
    timeoutMs: Math.min(time('consumer.request.timeout.ms', 1_000, 1, longestMs), waitMsMax),
    emptyCommit: ownKey != null,
    commitEveryMs: commits === 'true' ? intervalMs : 0,
    // A client is silent between two polls for as long as it likes, up to this: as long as the instance itself is kept.
    sessionMs: time('session.timeout.ms', Math.min(Math.max(idleMs, sessionMin), sessionMax), sessionMin, sessionMax),
    rebalanceMs: time('max.poll.interval.ms', defaultRebalanceMs, 1, longestMs),
    idleMs,
    strategies: readStrategies(body['partition.assignment.strategy']),
  }
}

/** Names as here, or of Java's classes; several with commas between. */
function readStrategies(value: Body['partition.assignment.strategy']): readonly Strategy[] {
  if (value == null) return strategies
  const names = String(value)
    .toLowerCase()
    .split(',')
    .map((name) => name.trim().replace(/^org\.apache\.kafka\.clients\.consumer\.(.*)assignor$/, '$1'))
  return [...new Set(names.map((name) => oneOf('partition.assignment.strategy', name, strategies)))]
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
