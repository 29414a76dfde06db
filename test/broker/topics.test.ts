import { describe, expect, test } from 'vitest'
import { producerBatch } from '../log/producer.ts'
import { batchOf, type Client, fetchFrom, openDoor, produceTo, type Request } from './kit.ts'
import { code } from './member.ts'

const nobody = 'AAAAAAAAAAAAAAAAAAAAAA'

const open = async () => {
  const door = await openDoor()
  return { door, client: await door.client() }
}

type NewTopic = Request<'createTopics'>['topics'][number]
const wish = (name: string, more: Partial<NewTopic> = {}): NewTopic => ({
  name,
  numPartitions: -1,
  replicationFactor: -1,
  assignments: [],
  configs: [],
  ...more,
})
const create = async (client: Client, topics: NewTopic[], validateOnly = false) =>
  (await client.call('createTopics', { topics, validateOnly })).topics
const errorOf = async (client: Client, name: string, more: Partial<NewTopic>) =>
  (await create(client, [wish(name, more)]))[0]?.errorCode

describe('CreateTopics', () => {
  test('creates topics with the partitions and configs asked for, or the defaults, and tells them', async () => {
    const { client } = await open()
    const configs = [{ name: 'retention.ms', value: '1000' }]
    const [three, one] = await create(client, [wish('three', { numPartitions: 3, configs }), wish('one')])
    expect(three).toMatchObject({ errorCode: 0, errorMessage: null, numPartitions: 3, replicationFactor: 1 })
    expect(three?.configs).toContainEqual({
      name: 'retention.ms',
      value: '1000',
      readOnly: false,
      configSource: 1,
      isSensitive: false,
    })
    expect(one).toMatchObject({ errorCode: 0, numPartitions: 1 })
    const { topics } = await client.call('metadata', { topics: [{ name: 'three' }] })
    expect([topics[0]?.topicId, topics[0]?.partitions.length]).toEqual([three?.topicId, 3])
  })

  test('only checks where it is asked to', async () => {
    const { client } = await open()
    const [checked] = await create(client, [wish('t', { numPartitions: 2 })], true)
    expect(checked).toMatchObject({ errorCode: 0, topicId: nobody, numPartitions: 2 })
    expect(checked?.configs?.length).toBeGreaterThan(30)
    const { topics } = await client.call('metadata', { topics: null })
    expect(topics).toEqual([])
    const [refused] = await create(client, [wish('t', { configs: [{ name: 'retention.ms', value: 'x' }] })], true)
    expect(refused?.errorCode).toBe(code('INVALID_CONFIG'))
  })

  test('refuses what Kafka refuses, topic by topic', async () => {
    const { client } = await open()
    await create(client, [wish('there')])
    expect(await errorOf(client, 'there', {})).toBe(code('TOPIC_ALREADY_EXISTS'))
    expect(await errorOf(client, 'a b', {})).toBe(code('INVALID_TOPIC_EXCEPTION'))
    expect(await errorOf(client, 't', { numPartitions: 0 })).toBe(code('INVALID_PARTITIONS'))
    expect(await errorOf(client, 't', { replicationFactor: 4 })).toBe(code('INVALID_REPLICATION_FACTOR'))
    expect(await errorOf(client, 't', { replicationFactor: 0 })).toBe(code('INVALID_REPLICATION_FACTOR'))
    expect(await errorOf(client, 't', { configs: [{ name: 'retention.ms', value: null }] })).toBe(
      code('INVALID_CONFIG'),
    )
    const twice = await create(client, [wish('t'), wish('u'), wish('t')])
    expect(twice.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['t', code('INVALID_REQUEST')],
      ['u', 0],
    ])
  })

  test('takes three replicas, which the stores keep anyway, and assignments to brokers that live', async () => {
    const { client } = await open()
    expect(await errorOf(client, 'three', { replicationFactor: 3 })).toBe(0)
    const to = (...partitions: number[][]) =>
      partitions.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
    expect((await create(client, [wish('placed', { assignments: to([1], [1]) })]))[0]?.numPartitions).toBe(2)
    expect(await errorOf(client, 'u', { assignments: to([1], [2]) })).toBe(code('INVALID_REPLICA_ASSIGNMENT'))
    expect(await errorOf(client, 'u', { assignments: to([1, 1]) })).toBe(code('INVALID_REPLICA_ASSIGNMENT'))
    expect(await errorOf(client, 'u', { assignments: to([1]), numPartitions: 1 })).toBe(code('INVALID_REQUEST'))
  })
})

describe('DeleteTopics', () => {
  test('deletes by name and by id', async () => {
    const { door, client } = await open()
    const [, u] = [await door.topic({ name: 't' }), await door.topic({ name: 'u' })]
    const { responses } = await client.call('deleteTopics', {
      topics: [
        { name: 't', topicId: nobody },
        { name: null, topicId: u },
      ],
      timeoutMs: 1_000,
    })
    expect(responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['t', 0],
      ['u', 0],
    ])
    expect((await client.call('metadata', { topics: null })).topics).toEqual([])
  })

  test('says what is not there, and what is not clear', async () => {
    const { door, client } = await open()
    const id = await door.topic({ name: 't' })
    const errorsOf = async (...topics: { name: string | null; topicId: string }[]) =>
      (await client.call('deleteTopics', { topics, timeoutMs: 1 })).responses.map(({ errorCode }) => errorCode)
    expect(await errorsOf({ name: 'x', topicId: nobody })).toEqual([code('UNKNOWN_TOPIC_OR_PARTITION')])
    expect(await errorsOf({ name: null, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' })).toEqual([code('UNKNOWN_TOPIC_ID')])
    expect(await errorsOf({ name: 't', topicId: id })).toEqual([code('INVALID_REQUEST')])
    const older = await client.call('deleteTopics', { topicNames: ['t'], timeoutMs: 1 }, 5)
    expect(older.responses).toMatchObject([{ name: 't', errorCode: 0 }])
  })
})

describe('CreatePartitions', () => {
  test('adds partitions, never takes any, and can be asked to check only', async () => {
    const { door, client } = await open()
    await door.topic({ name: 't', partitions: 2 })
    const to = async (count: number, validateOnly = false, assignments: { brokerIds: number[] }[] | null = null) =>
      (
        await client.call('createPartitions', {
          topics: [{ name: 't', count, assignments }],
          timeoutMs: 1,
          validateOnly,
        })
      ).results[0]?.errorCode
    expect([await to(1), await to(2)]).toEqual(Array(2).fill(code('INVALID_PARTITIONS')))
    expect(await to(3, true)).toBe(0)
    expect(await to(4, false, [{ brokerIds: [1] }])).toBe(code('INVALID_REPLICA_ASSIGNMENT'))
    expect(await to(4, false, [{ brokerIds: [1] }, { brokerIds: [1] }])).toBe(0)
    const { topics } = await client.call('metadata', { topics: [{ name: 't' }] })
    expect(topics[0]?.partitions.length).toBe(4)
  })
})

describe('DeleteRecords', () => {
  const five = ['a', 'b', 'c', 'd', 'e']
  const filled = async (configs = {}, timestamps = [1_000, 2_000]) => {
    const { door, client } = await open()
    await door.topic({ name: 't', configs })
    for (const timestampMs of timestamps) await client.call('produce', produceTo('t', batchOf(five, timestampMs)), 12)
    const removeBefore = async (offset: number, partitionIndex = 0) =>
      (
        await client.call('deleteRecords', {
          topics: [{ name: 't', partitions: [{ partitionIndex, offset }] }],
          timeoutMs: 1,
        })
      ).topics[0]?.partitions[0]
    const listed = async (timestamp: number) =>
      (
        await client.call(
          'listOffsets',
          { replicaId: -1, topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }] },
          7,
        )
      ).topics[0]?.partitions[0]?.offset
    const fetched = async (offset: number) =>
      (await client.call('fetch', fetchFrom('t', offset), 12)).responses[0]?.partitions[0]
    return { client, removeBefore, listed, fetched }
  }

  test('moves the log’s start for all who read, forward only', async () => {
    const { removeBefore, listed, fetched } = await filled()
    expect(await removeBefore(3)).toEqual({ partitionIndex: 0, lowWatermark: 3, errorCode: 0 })
    expect([await listed(-2), await listed(-1), await listed(0)]).toEqual([3, 10, 3])
    expect((await fetched(2))?.errorCode).toBe(code('OFFSET_OUT_OF_RANGE'))
    expect(await fetched(3)).toMatchObject({ errorCode: 0, logStartOffset: 3, highWatermark: 10 })
    expect((await removeBefore(1))?.lowWatermark).toBe(3)
    expect((await removeBefore(7))?.lowWatermark).toBe(7)
    expect(await listed(1_000)).toBe(7)
  })

  test('takes everything where -1 is asked for, and the next record keeps its offset', async () => {
    const { client, removeBefore, listed } = await filled()
    expect((await removeBefore(-1))?.lowWatermark).toBe(10)
    expect([await listed(-2), await listed(0), await listed(-3)]).toEqual([10, -1, -1])
    const { responses } = await client.call('produce', produceTo('t', batchOf(['f'])), 12)
    expect(responses[0]?.partitionResponses[0]).toMatchObject({ baseOffset: 10, logStartOffset: 10 })
    expect([await listed(0), await listed(-3)]).toEqual([10, 10])
  })

  test('leaves the latest of the records that remain as the one with the greatest timestamp', async () => {
    const { removeBefore, listed } = await filled({}, [9_000, 2_000, 3_000, 3_000, 1_000])
    expect(await listed(-3)).toBe(0)
    await removeBefore(5)
    expect(await listed(-3)).toBe(10)
    await removeBefore(18)
    expect(await listed(-3)).toBe(18)
    await removeBefore(20)
    expect(await listed(-3)).toBe(20)
  })

  test('changes nothing where there is no such offset or partition, or where records only go by compaction', async () => {
    const { removeBefore, listed } = await filled()
    expect((await removeBefore(11))?.errorCode).toBe(code('OFFSET_OUT_OF_RANGE'))
    expect((await removeBefore(-2))?.errorCode).toBe(code('OFFSET_OUT_OF_RANGE'))
    expect((await removeBefore(1, 1))?.errorCode).toBe(code('UNKNOWN_TOPIC_OR_PARTITION'))
    expect(await listed(-2)).toBe(0)
    const compacted = await filled({ 'cleanup.policy': 'compact' })
    expect((await compacted.removeBefore(1))?.errorCode).toBe(code('POLICY_VIOLATION'))
  })
})

describe('What is told of partitions', () => {
  test('their sizes, in one folder', async () => {
    const { door, client } = await open()
    await door.topic({ name: 't', partitions: 2 })
    await door.topic({ name: 'u' })
    const batch = batchOf(['a'])
    await client.call('produce', produceTo('t', batch, 1), 12)
    const sizes = async (topics: { topic: string; partitions: number[] }[] | null) =>
      (await client.call('describeLogDirs', { topics })).results.flatMap((dir) =>
        dir.topics.flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex, partitionSize }) => `${name}-${partitionIndex} ${partitionSize}`),
        ),
      )
    expect(await sizes(null)).toEqual(['t-0 0', `t-1 ${batch.length}`, 'u-0 0'])
    expect(
      await sizes([
        { topic: 't', partitions: [1, 7] },
        { topic: 'x', partitions: [0] },
      ]),
    ).toEqual([`t-1 ${batch.length}`])
  })

  test('who produces there with sequences', async () => {
    const { door, client } = await open()
    await door.topic({ name: 't' })
    const { producerId } = await client.call('initProducerId', { transactionalId: null, transactionTimeoutMs: 1_000 })
    const batch = producerBatch({ producer: Number(producerId), sequence: 0, values: ['a', 'b'] })
    await client.call('produce', produceTo('t', batch), 12)
    const { topics } = await client.call('describeProducers', { topics: [{ name: 't', partitionIndexes: [0, 1] }] })
    expect(topics[0]?.partitions).toMatchObject([
      { errorCode: 0, activeProducers: [{ producerId, producerEpoch: 0, lastSequence: 1, currentTxnStartOffset: -1 }] },
      { errorCode: code('UNKNOWN_TOPIC_OR_PARTITION'), activeProducers: [] },
    ])
  })
})
