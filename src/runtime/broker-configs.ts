/** What of an operator's settings clients may read, under Kafka's names for brokers. They are set where Millrace is deployed. */
import { defaultSettings, type Settings } from './settings.ts'

/** The copies of each record: DynamoDB and S3 keep three, in three zones. */
export const replicationFactor = 3

export type BrokerConfig = {
  readonly name: string
  readonly value: string
  readonly defaultValue: string
  readonly isDefault: boolean
  readonly type: 'boolean' | 'int' | 'long'
  readonly documentation: string
}

type Rule = readonly [
  valueIn: (settings: Settings) => string | number | boolean,
  type: BrokerConfig['type'],
  documentation: string,
]

const rules = new Map<string, Rule>([
  [
    'auto.create.topics.enable',
    [(it) => it.autoCreateTopics, 'boolean', 'Whether a use of a missing topic creates it.'],
  ],
  ['default.replication.factor', [() => replicationFactor, 'int', 'The copies that the stores keep of each record.']],
  [
    'group.initial.rebalance.delay.ms',
    [
      (it) => it.groupInitialRebalanceDelayMs,
      'int',
      'How long the first round of an empty group waits for more members.',
    ],
  ],
  [
    'group.max.session.timeout.ms',
    [(it) => it.groupMaxSessionTimeoutMs, 'int', 'The longest session time-out of a member.'],
  ],
  ['group.max.size', [(it) => it.groupMaxSize, 'int', 'The most members of a group.']],
  [
    'group.min.session.timeout.ms',
    [(it) => it.groupMinSessionTimeoutMs, 'int', 'The shortest session time-out of a member.'],
  ],
  [
    'num.partitions',
    [(it) => it.defaultPartitions, 'int', 'The partitions of a topic that is created without a count.'],
  ],
  [
    'offsets.retention.minutes',
    [(it) => it.offsetsRetentionMinutes, 'int', 'How long offsets outlive the last member of their group.'],
  ],
])

/** In order of names. */
export const brokerConfigs = (settings: Settings): BrokerConfig[] =>
  [...rules].map(([name, [valueIn, type, documentation]]) => {
    const [value, defaultValue] = [String(valueIn(settings)), String(valueIn(defaultSettings))]
    return { name, value, defaultValue, isDefault: value === defaultValue, type, documentation }
  })
