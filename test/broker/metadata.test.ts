import { describe, expect, it } from 'vitest'
import { clusterId } from '../../src/log/cluster.ts'
import { findTopic } from '../../src/log/topics.ts'
import { StoreError } from '../../src/store/errors.ts'
import { newServer, watchedStores } from '../http/kit.ts'
import { newest, openDoor, type Response } from './kit.ts'

const zero = 'AAAAAAAAAAAAAAAAAAAAAA'

describe('Metadata', () => {
  it('tells brokers, controller, cluster and topics in every version', async () => {
    const door = await openDoor()
    const id = await door.topic({ name: 't', partitions: 2 })
    const client = await door.client()
    for (let version = 0; version <= newest('metadata'); version++) {
      const answer = await client.call('metadata', { topics: [{ name: 't' }] }, version)
      expect(answer.brokers).toEqual([{ nodeId: 1, host: '127.0.0.1', port: door.kafka.port, rack: null }])
      expect(answer.controllerId).toBe(version < 1 ? -1 : 1)
      expect(answer.clusterId).toBe(version < 2 ? null : await clusterId(door.core))
      const [topic] = answer.topics
      expect(topic).toMatchObject({ errorCode: 0, name: 't', topicId: version < 10 ? zero : id, isInternal: false })
      expect(topic?.partitions.map(({ partitionIndex }) => partitionIndex)).toEqual([0, 1])
      const leaderEpoch = version < 7 ? -1 : 0
      expect(topic?.partitions[1]).toMatchObject({ leaderId: 1, leaderEpoch, replicaNodes: [1], isrNodes: [1] })
    }
  })

  it('tells all topics where none is named: by an empty list at first, by null later', async () => {
    const door = await openDoor()
    await door.topic({ name: 'b' })
    await door.topic({ name: 'a' })
    const client = await door.client()
    const namesOf = async (version: number, topics: [] | null) =>
      (await client.call('metadata', { topics }, version)).topics.map(({ name }) => name)
    expect(await namesOf(0, [])).toEqual(['a', 'b'])
    expect(await namesOf(1, null)).toEqual(['a', 'b'])
    expect(await namesOf(13, null)).toEqual(['a', 'b'])
    expect(await namesOf(13, [])).toEqual([])
  })

  it('tells nothing of topics that the store does not tell of: it asks again, and in the end closes the connection', async () => {
    const stores = watchedStores()
    const door = await openDoor({ http: newServer(stores, { appendTimeoutMs: 100 }) })
    await door.topic({ name: 't' })
    for (const topics of [[{ name: 't' }], null]) {
      const client = await door.client()
      let failures = 2
      stores.trouble = (moment) => {
        if (moment === 'before' && failures-- > 0) throw new StoreError('unavailable', 'no route')
      }
      expect((await client.call('metadata', { topics }, 12)).topics).toMatchObject([{ errorCode: 0, name: 't' }])
      failures = Number.POSITIVE_INFINITY
      client.send('metadata', { topics }, 12)
      await client.closed
    }
  })

  it('finds topics by id', async () => {
    const door = await openDoor()
    const id = await door.topic({ name: 't' })
    const client = await door.client()
    const unknown = 'abcdefghijklmnopqrstuA'
    const { topics } = await client.call('metadata', {
      topics: [
        { topicId: id, name: null },
        { topicId: unknown, name: null },
      ],
    })
    expect(topics.map(({ errorCode, name, topicId }) => [errorCode, name, topicId])).toEqual([
      [0, 't', id],
      [100, null, unknown],
    ])
  })

  it('makes a topic that is asked for where settings and client allow', async () => {
    const open = await openDoor({ settings: { defaultPartitions: 3 } })
    const client = await open.client()
    const ask = async (name: string, allowAutoTopicCreation: boolean) =>
      (await client.call('metadata', { topics: [{ name }], allowAutoTopicCreation })).topics[0]
    expect(await ask('no', false)).toMatchObject({ errorCode: 3, name: 'no' })
    expect((await ask('yes', true))?.partitions.length).toBe(3)
    expect(await findTopic(open.core, 'no')).toBeUndefined()
    expect(await ask('not a name', true)).toMatchObject({ errorCode: 17 })
    expect(await ask('', true)).toMatchObject({ errorCode: 17 })
    const closed = await openDoor({ settings: { autoCreateTopics: false } })
    const { topics } = await (await closed.client()).call('metadata', { topics: [{ name: 't' }] })
    expect(topics[0]).toMatchObject({ errorCode: 3 })
  })

  it('makes it once, however many ask at once', async () => {
    const door = await openDoor()
    const clients = await Promise.all(Array.from({ length: 8 }, () => door.client()))
    const answers = await Promise.all(clients.map((client) => client.call('metadata', { topics: [{ name: 't' }] })))
    expect(new Set(answers.map(({ topics }) => `${topics[0]?.errorCode} ${topics[0]?.topicId}`)).size).toBe(1)
  })
})

describe('FindCoordinator', () => {
  it('sends groups to their broker, one by one and several at once', async () => {
    const door = await openDoor()
    const client = await door.client()
    const here = { nodeId: 1, host: '127.0.0.1', port: door.kafka.port, errorCode: 0 }
    for (let version = 0; version <= 3; version++) {
      expect(await client.call('findCoordinator', { key: 'g' }, version)).toMatchObject(here)
    }
    for (let version = 4; version <= newest('findCoordinator'); version++) {
      const { coordinators } = await client.call('findCoordinator', { coordinatorKeys: ['g', 'h'] }, version)
      expect(coordinators).toMatchObject([
        { key: 'g', ...here },
        { key: 'h', ...here },
      ])
    }
  })

  it('has none for transactions and share groups', async () => {
    const client = await (await openDoor()).client()
    const errorOf = async (keyType: number) =>
      (await client.call('findCoordinator', { keyType, coordinatorKeys: ['x'] })).coordinators[0]?.errorCode
    expect([await errorOf(1), await errorOf(2)]).toEqual([53, 42])
  })
})

describe('DescribeCluster', () => {
  it('tells the brokers, not the controllers', async () => {
    const door = await openDoor()
    const client = await door.client()
    for (let version = 0; version <= newest('describeCluster'); version++) {
      const answer = await client.call('describeCluster', { includeClusterAuthorizedOperations: false }, version)
      expect(answer).toMatchObject({ errorCode: 0, controllerId: 1, clusterId: await clusterId(door.core) })
      expect(answer.brokers).toMatchObject([{ brokerId: 1, host: '127.0.0.1', port: door.kafka.port, isFenced: false }])
    }
    const request = { includeClusterAuthorizedOperations: false, endpointType: 2 }
    expect((await client.call('describeCluster', request)).errorCode).toBe(114)
  })
})

describe('DescribeTopicPartitions', () => {
  it('gives pages, each beginning where the one before ended', async () => {
    const door = await openDoor()
    for (const name of ['a', 'b', 'c']) await door.topic({ name, partitions: 3 })
    const client = await door.client()
    const seen: string[] = []
    type Cursor = Response<'describeTopicPartitions'>['nextCursor']
    const pageFrom = (cursor: Cursor) =>
      client.call('describeTopicPartitions', { topics: [], responsePartitionLimit: 2, cursor })
    for (let page = await pageFrom(null); ; page = await pageFrom(page.nextCursor)) {
      for (const { name, partitions } of page.topics) {
        for (const { partitionIndex } of partitions) seen.push(`${name}${partitionIndex}`)
      }
      if (!page.nextCursor) break
    }
    expect(seen).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2', 'c0', 'c1', 'c2'])
  })

  it('says of each topic that is missing that it is', async () => {
    const door = await openDoor()
    await door.topic({ name: 'b' })
    const { topics } = await (await door.client()).call('describeTopicPartitions', {
      topics: [{ name: 'b' }, { name: 'a' }],
    })
    expect(topics.map(({ name, errorCode }) => `${name} ${errorCode}`)).toEqual(['a 3', 'b 0'])
    // Null is what Kafka's own admin client cannot read.
    expect(topics[1]?.partitions[0]).toMatchObject({ eligibleLeaderReplicas: [], lastKnownElr: [] })
  })
})
