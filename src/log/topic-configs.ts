/**
 * Topic configs: Kafka's names, types and defaults (https://kafka.apache.org/41/configuration/topic-configs/), and what each
 * does here. A name that is not in this table is refused.
 */
import { KafkaError } from '../protocol/errors.ts'

export type TopicConfigs = Readonly<Record<string, string>>

/** A config as it is described to a client. */
export type TopicConfig = {
  readonly name: string
  readonly value: string
  readonly defaultValue: string
  readonly isDefault: boolean
  readonly readOnly: boolean
  readonly sensitive: boolean
  readonly documentation: string
}

type Rule = {
  readonly default: string
  /** A sentence that says what is allowed, where the value is not. */
  readonly refuses: (value: string) => string | undefined
  readonly documentation: string
}

const longMax = '9223372036854775807'
const noEffect = 'Accepted for Kafka’s sake; without effect here.'

const whole =
  (min: number, max = 2 ** 63) =>
  (value: string) =>
    /^-?\d{1,19}$/.test(value) && Number(value) >= min && Number(value) <= max
      ? undefined
      : `a whole number of at least ${min}${max < 2 ** 53 ? ` and at most ${max}` : ''}`
const ratio = (value: string) =>
  /^\d*\.?\d+$/.test(value) && Number(value) <= 1 ? undefined : 'a number between 0 and 1'
const oneOf =
  (...allowed: string[]) =>
  (value: string) =>
    allowed.includes(value) ? undefined : `one of ${allowed.join(', ')}`
const listOf =
  (...allowed: string[]) =>
  (value: string) =>
    value.split(',').every((part) => allowed.includes(part.trim())) ? undefined : `a list out of ${allowed.join(', ')}`

const int32Max = 2 ** 31 - 1
const rule = (fallback: string, refuses: Rule['refuses'], documentation: string): Rule => ({
  default: fallback,
  refuses,
  documentation,
})

const rules = new Map<string, Rule>([
  ['cleanup.policy', rule('delete', listOf('delete', 'compact'), 'What happens to old records.')],
  ['compression.type', rule('producer', oneOf('producer'), 'Batches are kept as the producer compressed them.')],
  ['delete.retention.ms', rule('86400000', whole(0), 'How long a tombstone stays in a compacted topic.')],
  ['file.delete.delay.ms', rule('60000', whole(0), noEffect)],
  ['flush.messages', rule(longMax, whole(1), `${noEffect} Every record is durable before it is acknowledged.`)],
  ['flush.ms', rule(longMax, whole(0), `${noEffect} Every record is durable before it is acknowledged.`)],
  ['index.interval.bytes', rule('4096', whole(0, int32Max), noEffect)],
  ['max.compaction.lag.ms', rule(longMax, whole(1), 'The longest a record may stay uncompacted.')],
  ['max.message.bytes', rule('1048588', whole(0, int32Max), 'The largest record batch that is accepted, in bytes.')],
  [
    'message.timestamp.after.max.ms',
    rule('3600000', whole(0), 'How far ahead of the clock a record’s own timestamp may be.'),
  ],
  [
    'message.timestamp.before.max.ms',
    rule(longMax, whole(0), 'How far behind the clock a record’s own timestamp may be.'),
  ],
  [
    'message.timestamp.type',
    rule(
      'CreateTime',
      oneOf('CreateTime', 'LogAppendTime'),
      'Whose clock stamps a record: the producer’s or the log’s.',
    ),
  ],
  ['min.cleanable.dirty.ratio', rule('0.5', ratio, 'How much of a log must be uncompacted before it is compacted.')],
  ['min.compaction.lag.ms', rule('0', whole(0), 'The shortest a record stays uncompacted.')],
  ['min.insync.replicas', rule('1', whole(1, 3), 'The stores keep three copies: one to three is always met.')],
  ['preallocate', rule('false', oneOf('true', 'false'), noEffect)],
  ['retention.bytes', rule('-1', whole(-1), 'The size a partition may have before its oldest records go; -1: any.')],
  ['retention.ms', rule('604800000', whole(-1), 'How old a record may be before it goes; -1: any age.')],
  ['segment.bytes', rule('1073741824', whole(1_048_576, int32Max), 'The size of a rolled segment.')],
  ['segment.index.bytes', rule('10485760', whole(4, int32Max), noEffect)],
  ['segment.jitter.ms', rule('0', whole(0), noEffect)],
  ['segment.ms', rule('604800000', whole(1), 'The age at which small blobs are rolled into a segment.')],
  [
    'unclean.leader.election.enable',
    rule('false', oneOf('true', 'false'), `${noEffect} No acknowledged record is ever lost.`),
  ],
])

/** @throws KafkaError INVALID_CONFIG, naming the config and what is allowed. */
export function checkConfigs(configs: TopicConfigs): void {
  for (const [name, value] of Object.entries(configs)) {
    const known = rules.get(name)
    if (!known) throw new KafkaError('INVALID_CONFIG', `Unknown topic config name: ${name}`)
    const allowed = known.refuses(value)
    if (allowed)
      throw new KafkaError('INVALID_CONFIG', `Invalid value ${value} for configuration ${name}: must be ${allowed}`)
  }
}

/** The effective value of a known config. */
export const configValue = (overrides: TopicConfigs, name: string): string =>
  overrides[name] ?? rules.get(name)?.default ?? ''

/** Every known config with its effective value, in order of names. */
export const describeConfigs = (topic: { readonly overrides: TopicConfigs }): TopicConfig[] =>
  [...rules].map(([name, { default: defaultValue, documentation }]) => ({
    name,
    value: configValue(topic.overrides, name),
    defaultValue,
    isDefault: topic.overrides[name] === undefined,
    readOnly: false,
    sensitive: false,
    documentation,
  }))
