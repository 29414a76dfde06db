/**
 * Topic configs: Kafka's names, types and defaults (https://kafka.apache.org/41/configuration/topic-configs/), and what each
 * does here. A name that is not in this table is refused.
 */
import { KafkaError } from '../protocol/errors.ts'

export type TopicConfigs = Readonly<Record<string, string>>

/** Kafka's types of configs (`ConfigDef.Type`), those that topics have. */
export type ConfigType = 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list'

/** A config as it is described to a client. */
export type TopicConfig = {
  readonly name: string
  readonly value: string
  readonly defaultValue: string
  readonly isDefault: boolean
  readonly readOnly: boolean
  readonly sensitive: boolean
  readonly type: ConfigType
  readonly documentation: string
}

type Rule = {
  readonly type: ConfigType
  readonly default: string
  /** A sentence that says what is allowed, where the value is not. */
  readonly refuses: (value: string) => string | undefined
  readonly documentation: string
}

const longMax = '9223372036854775807'
const noEffect = 'Accepted for Kafka’s sake; without effect here.'
const noTiers = `${noEffect} There are no tiers: all data lies in the object store.`
const noReplicas = `${noEffect} Brokers hold no replicas that could be throttled.`
const asSent = 'Batches are kept as the producer compressed them.'

const whole =
  (min: number, max: number | bigint = BigInt(longMax)) =>
  (value: string) =>
    /^-?\d{1,19}$/.test(value) && BigInt(value) >= min && BigInt(value) <= max
      ? undefined
      : `a whole number of at least ${min}${typeof max === 'number' ? ` and at most ${max}` : ''}`
const ratio = (value: string) =>
  /^\+?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) && Number(value) <= 1 ? undefined : 'a number between 0 and 1'
const oneOf =
  (...allowed: string[]) =>
  (value: string) =>
    allowed.includes(value) ? undefined : `one of ${allowed.join(', ')}`
const onlyOne = (allowed: string, why: string) => (value: string) =>
  value === allowed ? undefined : `${allowed}: ${why}`
const listOf =
  (...allowed: string[]) =>
  (value: string) =>
    value.split(',').every((part) => allowed.includes(part.trim())) ? undefined : `a list out of ${allowed.join(', ')}`
const replicas = (value: string) =>
  value === '' || value === '*' || /^\d+:\d+(,\d+:\d+)*$/.test(value) ? undefined : '*, or a list of partition:broker'

const int32Max = 2 ** 31 - 1
const rule = (type: ConfigType, fallback: string, refuses: Rule['refuses'], documentation: string): Rule => ({
  type,
  default: fallback,
  refuses,
  documentation,
})
const int = (fallback: number, min: number, documentation: string, max = int32Max): Rule =>
  rule('int', String(fallback), whole(min, max), documentation)
const long = (fallback: string, min: number, documentation: string): Rule =>
  rule('long', fallback, whole(min), documentation)
const flag = (documentation: string): Rule => rule('boolean', 'false', oneOf('true', 'false'), documentation)

/** In order of names: all that Kafka 4.1 has. */
const rules = new Map<string, Rule>([
  ['cleanup.policy', rule('list', 'delete', listOf('delete', 'compact'), 'What happens to old records.')],
  ['compression.gzip.level', rule('int', '-1', gzipLevel, `${noEffect} ${asSent}`)],
  ['compression.lz4.level', int(9, 1, `${noEffect} ${asSent}`, 17)],
  [
    'compression.type',
    rule(
      'string',
      'producer',
      oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
      `${noEffect} ${asSent}`,
    ),
  ],
  ['compression.zstd.level', int(3, -131_072, `${noEffect} ${asSent}`, 22)],
  ['delete.retention.ms', long('86400000', 0, 'How long a tombstone stays in a compacted topic.')],
  ['file.delete.delay.ms', long('60000', 0, noEffect)],
  ['flush.messages', long(longMax, 1, `${noEffect} Every record is durable before it is acknowledged.`)],
  ['flush.ms', long(longMax, 0, `${noEffect} Every record is durable before it is acknowledged.`)],
  ['follower.replication.throttled.replicas', rule('list', '', replicas, noReplicas)],
  ['index.interval.bytes', int(4096, 0, noEffect)],
  ['leader.replication.throttled.replicas', rule('list', '', replicas, noReplicas)],
  ['local.retention.bytes', long('-2', -2, noTiers)],
  ['local.retention.ms', long('-2', -2, noTiers)],
  ['max.compaction.lag.ms', long(longMax, 1, 'The longest a record may stay uncompacted.')],
  ['max.message.bytes', int(1_048_588, 0, 'The largest record batch that is accepted, in bytes.')],
  ['message.timestamp.after.max.ms', long('3600000', 0, 'How far ahead of the clock a record’s own timestamp may be.')],
  ['message.timestamp.before.max.ms', long(longMax, 0, 'How far behind the clock a record’s own timestamp may be.')],
  [
    'message.timestamp.type',
    rule(
      'string',
      'CreateTime',
      oneOf('CreateTime', 'LogAppendTime'),
      'Whose clock stamps a record: the producer’s or the log’s.',
    ),
  ],
  [
    'min.cleanable.dirty.ratio',
    rule('double', '0.5', ratio, 'How much of a log must be uncompacted before it is compacted.'),
  ],
  ['min.compaction.lag.ms', long('0', 0, 'The shortest a record stays uncompacted.')],
  ['min.insync.replicas', int(1, 1, 'The stores keep three copies: one to three is always met.', 3)],
  ['preallocate', flag(noEffect)],
  ['remote.log.copy.disable', flag(noTiers)],
  ['remote.log.delete.on.disable', flag(noTiers)],
  ['remote.storage.enable', rule('boolean', 'false', onlyOne('false', 'there are no tiers here'), noTiers)],
  ['retention.bytes', long('-1', -1, 'The size a partition may have before its oldest records go; -1: any.')],
  ['retention.ms', long('604800000', -1, 'How old a record may be before it goes; -1: any age.')],
  ['segment.bytes', int(1_073_741_824, 1_048_576, 'The size of a rolled segment.')],
  ['segment.index.bytes', int(10_485_760, 4, noEffect)],
  ['segment.jitter.ms', long('0', 0, noEffect)],
  ['segment.ms', long('604800000', 1, 'The age at which small blobs are rolled into a segment.')],
  ['unclean.leader.election.enable', flag(`${noEffect} No acknowledged record is ever lost.`)],
])

function gzipLevel(value: string): string | undefined {
  return value === '-1' ? undefined : whole(1, 9)(value) && '-1, or a whole number from 1 to 9'
}

/**
 * The values as they are kept: as Kafka reads what it is given (`ConfigDef.parseType`), and tells it.
 * @throws KafkaError INVALID_CONFIG, naming the config and what is allowed.
 */
export function acceptConfigs(configs: TopicConfigs): TopicConfigs {
  return Object.fromEntries(Object.entries(configs).map(([name, value]) => [name, accept(name, value)]))
}

function accept(name: string, given: string): string {
  const known = rules.get(name)
  if (!known) throw new KafkaError('INVALID_CONFIG', `Unknown topic config name: ${name}`)
  const value = plain(known.type, given.trim())
  const allowed = known.refuses(value)
  if (allowed === undefined) return value
  throw new KafkaError('INVALID_CONFIG', `Invalid value ${given} for configuration ${name}: must be ${allowed}`)
}

function plain(type: ConfigType, value: string): string {
  switch (type) {
    case 'boolean':
      return value.toLowerCase()
    case 'int':
    case 'long':
      return /^[+-]?\d{1,19}$/.test(value) ? String(BigInt(value.replace('+', ''))) : value
    case 'list':
      return value
        .split(',')
        .map((part) => part.trim())
        .join(',')
    default:
      return value
  }
}

/**
 * Checks those that stand beside each other: all overrides of a topic, each allowed by itself.
 * @throws KafkaError INVALID_CONFIG
 */
export function checkTogether(overrides: TopicConfigs): void {
  const [least, most] = ['min.compaction.lag.ms', 'max.compaction.lag.ms'].map((name) => configValue(overrides, name))
  if (Number(least) <= Number(most)) return
  throw new KafkaError(
    'INVALID_CONFIG',
    `conflict topic config setting min.compaction.lag.ms (${least}) > max.compaction.lag.ms (${most})`,
  )
}

/** `undefined`: no topic has a config of this name. */
export const configType = (name: string): ConfigType | undefined => rules.get(name)?.type

/** The effective value of a known config. */
export const configValue = (overrides: TopicConfigs, name: string): string =>
  overrides[name] ?? rules.get(name)?.default ?? ''

/** Every known config with its effective value, in order of names. */
export const describeConfigs = (topic: { readonly overrides: TopicConfigs }): TopicConfig[] =>
  [...rules].map(([name, { type, default: defaultValue, documentation }]) => ({
    name,
    value: configValue(topic.overrides, name),
    defaultValue,
    isDefault: topic.overrides[name] === undefined,
    readOnly: false,
    sensitive: false,
    type,
    documentation,
  }))
