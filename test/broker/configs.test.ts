import { describe, expect, test } from 'vitest'
import { type Client, openDoor } from './kit.ts'
import { code } from './member.ts'

const topic = 2
const broker = 4
const [set, remove, append, subtract] = [0, 1, 2, 3]

const open = async () => {
  const door = await openDoor({ settings: { defaultPartitions: 5 } })
  await door.topic({ name: 't', configs: { 'retention.ms': '1000' } })
  return door.client()
}

type Asked = {
  keys?: string[]
  type?: number
  name?: string
  more?: { includeSynonyms?: boolean; includeDocumentation?: boolean }
}

const describeOne = async (client: Client, { keys, type = topic, name = 't', more = {} }: Asked = {}) => {
  const resources = [{ resourceType: type, resourceName: name, configurationKeys: keys ?? null }]
  const { results } = await client.call('describeConfigs', { resources, ...more })
  if (!results[0]) throw new Error('no answer')
  return results[0]
}
const configOf = async (client: Client, name: string) => (await describeOne(client, { keys: [name] })).configs[0]?.value

type Change = readonly [operation: number, name: string, value?: string]

const alterOf =
  (client: Client) =>
  async (changes: readonly Change[], validateOnly = false, type = topic, resourceName = 't') => {
    const configs = changes.map(([configOperation = 0, name, value = null]) => ({ name, configOperation, value }))
    const { responses } = await client.call('incrementalAlterConfigs', {
      resources: [{ resourceType: type, resourceName, configs }],
      validateOnly,
    })
    return responses[0]?.errorCode
  }

describe('DescribeConfigs', () => {
  test('tells all topic configs of Kafka 4.1, with types, where each value is from, and what it does', async () => {
    const client = await open()
    const { configs } = await describeOne(client)
    expect(configs.map(({ name }) => name)).toEqual(kafkas)
    const more = { includeSynonyms: true, includeDocumentation: true }
    const [retention] = (await describeOne(client, { keys: ['retention.ms'], more })).configs
    expect(retention).toEqual({
      name: 'retention.ms',
      value: '1000',
      readOnly: false,
      configSource: 1,
      isSensitive: false,
      configType: 5,
      documentation: expect.stringContaining('How old'),
      synonyms: [
        { name: 'retention.ms', value: '1000', source: 1 },
        { name: 'retention.ms', value: '604800000', source: 5 },
      ],
    })
    const [policy] = (await describeOne(client, { keys: ['cleanup.policy'] })).configs
    expect(policy).toMatchObject({ value: 'delete', configSource: 5, configType: 7, synonyms: [], documentation: null })
  })

  test('tells a broker’s own, which cannot be altered', async () => {
    const client = await open()
    const { configs } = await describeOne(client, { type: broker, name: '1' })
    expect(configs).toContainEqual(
      expect.objectContaining({ name: 'num.partitions', value: '5', readOnly: true, configSource: 4 }),
    )
    expect(await describeOne(client, { type: broker, name: '' })).toMatchObject({ errorCode: 0, configs: [] })
    expect((await describeOne(client, { type: broker, name: '2' })).errorCode).toBe(code('INVALID_REQUEST'))
    expect(await alterOf(client)([[0, 'num.partitions', '6']], false, broker, '1')).toBe(code('INVALID_REQUEST'))
  })

  test('tells all where the list of names is empty, as where there is none', async () => {
    const client = await open()
    expect(await describeOne(client, { keys: [] })).toEqual(await describeOne(client))
  })

  test('knows no configs of what is not there', async () => {
    const client = await open()
    expect((await describeOne(client, { name: 'x' })).errorCode).toBe(code('UNKNOWN_TOPIC_OR_PARTITION'))
    expect((await describeOne(client, { type: 16, name: 'x' })).errorCode).toBe(code('INVALID_REQUEST'))
  })
})

describe('IncrementalAlterConfigs', () => {
  test('sets, deletes, appends and subtracts', async () => {
    const client = await open()
    const alter = alterOf(client)
    expect(
      await alter([
        [set, 'max.message.bytes', '2000'],
        [remove, 'retention.ms'],
      ]),
    ).toBe(0)
    expect([await configOf(client, 'max.message.bytes'), await configOf(client, 'retention.ms')]).toEqual([
      '2000',
      '604800000',
    ])
    expect(await alter([[append, 'cleanup.policy', 'compact']])).toBe(0)
    expect(await configOf(client, 'cleanup.policy')).toBe('delete,compact')
    expect(await alter([[append, 'cleanup.policy', 'compact']])).toBe(0)
    expect(await alter([[subtract, 'cleanup.policy', 'delete']])).toBe(0)
    expect(await configOf(client, 'cleanup.policy')).toBe('compact')
  })

  test.each([
    ['retention.ms', ' 5 ', '5'],
    ['retention.ms', '+5', '5'],
    ['retention.ms', '9223372036854775807', '9223372036854775807'],
    ['preallocate', 'True', 'true'],
    ['min.cleanable.dirty.ratio', '1.0E-1', '1.0E-1'],
    ['cleanup.policy', ' compact , delete', 'compact,delete'],
    ['message.timestamp.type', 'LogAppendTime ', 'LogAppendTime'],
    ['compression.type', 'zstd', 'zstd'],
    ['compression.type', 'uncompressed', 'uncompressed'],
  ])('takes %s as Kafka reads “%s”', async (name, value, read) => {
    const client = await open()
    expect(await alterOf(client)([[set, name, value]])).toBe(0)
    expect(await configOf(client, name)).toBe(read)
    for (const validateOnly of [true, false]) {
      const asked = {
        name: 'made',
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [{ name, value }],
      }
      const made = await client.call('createTopics', { topics: [asked], validateOnly })
      expect(made.topics[0]?.configs?.find((one) => one.name === name)).toMatchObject({ value: read, configSource: 1 })
    }
    const { responses } = await client.call('alterConfigs', {
      resources: [{ resourceType: topic, resourceName: 't', configs: [{ name, value }] }],
      validateOnly: false,
    })
    expect(responses[0]?.errorCode).toBe(0)
    expect(await configOf(client, name)).toBe(read)
  })

  test.each([
    ['retention.ms', '9223372036854775808'],
    ['retention.ms', '0x10'],
    ['retention.ms', '1.5'],
    ['retention.ms', ' '],
    ['preallocate', 'yes'],
    ['min.cleanable.dirty.ratio', '1.01'],
    ['min.cleanable.dirty.ratio', ''],
    ['message.timestamp.type', 'createtime'],
  ])('refuses %s=%s', async (name, value) => {
    expect(await alterOf(await open())([[set, name, value]])).toBe(code('INVALID_CONFIG'))
  })

  test('changes all of a topic or nothing, and nothing where it only checks', async () => {
    const client = await open()
    const alter = alterOf(client)
    expect(
      await alter([
        [set, 'retention.ms', '5'],
        [set, 'no.such', '1'],
      ]),
    ).toBe(code('INVALID_CONFIG'))
    expect(await alter([[append, 'retention.ms', '5']])).toBe(code('INVALID_CONFIG'))
    expect(await alter([[subtract, 'cleanup.policy', 'delete']])).toBe(code('INVALID_CONFIG'))
    expect(await alter([[set, 'compression.type', 'brotli']])).toBe(code('INVALID_CONFIG'))
    expect(await alter([[set, 'remote.storage.enable', 'true']])).toBe(code('INVALID_CONFIG'))
    expect(
      await alter([
        [set, 'min.compaction.lag.ms', '9'],
        [set, 'max.compaction.lag.ms', '8'],
      ]),
    ).toBe(code('INVALID_CONFIG'))
    expect(await alter([[set, 'retention.ms']])).toBe(code('INVALID_REQUEST'))
    expect(
      await alter([
        [set, 'retention.ms', '5'],
        [remove, 'retention.ms'],
      ]),
    ).toBe(code('INVALID_REQUEST'))
    expect(await alter([[9, 'retention.ms', '5']])).toBe(code('INVALID_REQUEST'))
    expect(await alter([[set, 'retention.ms', '5']], true)).toBe(0)
    expect(await configOf(client, 'retention.ms')).toBe('1000')
  })
})

describe('AlterConfigs', () => {
  test('makes the given configs a topic’s only ones', async () => {
    const client = await open()
    const configs = [{ name: 'max.message.bytes', value: '2000' }]
    const resources = [{ resourceType: topic, resourceName: 't', configs }]
    const { responses } = await client.call('alterConfigs', { resources, validateOnly: false })
    expect(responses).toEqual([{ errorCode: 0, errorMessage: null, resourceType: topic, resourceName: 't' }])
    expect([await configOf(client, 'max.message.bytes'), await configOf(client, 'retention.ms')]).toEqual([
      '2000',
      '604800000',
    ])
    const twice = await client.call('alterConfigs', { resources: [...resources, ...resources], validateOnly: false })
    expect(twice.responses).toMatchObject([{ errorCode: code('INVALID_REQUEST') }])
  })
})

/** `TopicConfig` of Apache Kafka 4.1. */
const kafkas = [
  'cleanup.policy',
  'compression.gzip.level',
  'compression.lz4.level',
  'compression.type',
  'compression.zstd.level',
  'delete.retention.ms',
  'file.delete.delay.ms',
  'flush.messages',
  'flush.ms',
  'follower.replication.throttled.replicas',
  'index.interval.bytes',
  'leader.replication.throttled.replicas',
  'local.retention.bytes',
  'local.retention.ms',
  'max.compaction.lag.ms',
  'max.message.bytes',
  'message.timestamp.after.max.ms',
  'message.timestamp.before.max.ms',
  'message.timestamp.type',
  'min.cleanable.dirty.ratio',
  'min.compaction.lag.ms',
  'min.insync.replicas',
  'preallocate',
  'remote.log.copy.disable',
  'remote.log.delete.on.disable',
  'remote.storage.enable',
  'retention.bytes',
  'retention.ms',
  'segment.bytes',
  'segment.index.bytes',
  'segment.jitter.ms',
  'segment.ms',
  'unclean.leader.election.enable',
]
