/** The whole path of a Kafka client to a deployment without brokers: `millrace connect`'s port, signed calls, the function. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FarEnd, farEnd, type Sign } from '../../src/connect/far-end.ts'
import { relay } from '../../src/connect/relay.ts'
import { zeroUuid } from '../../src/protocol/codec/schema.ts'
import { systemClock } from '../../src/runtime/system.ts'
import { type KafkaServer, startKafkaServer } from '../../src/server/kafka/listener.ts'
import { batchOf, clientAt, fetchFrom, produceTo } from '../broker/kit.ts'
import type { Call } from './calls.ts'

export const kafkaSuite = (target: () => { readonly url: string; readonly sign?: Sign; readonly rest: Call }): void => {
  describe('a Kafka client behind connect', () => {
    const topic = `kafka-${randomUUID()}`
    let kafka: KafkaServer
    let far: FarEnd

    beforeAll(async () => {
      const { url, sign } = target()
      kafka = await startKafkaServer({
        host: '127.0.0.1',
        port: 0,
        clock: systemClock,
        brokerAt({ host, port }) {
          far = farEnd({ url, advertise: `${host}:${port}`, ...(sign && { sign }) })
          return relay({ farEnd: far, clock: systemClock, longestPauseMs: 1_000, tell: console.log })
        },
      })
    })

    afterAll(async () => {
      await kafka.stop(0)
      far.close()
    })

    it('makes a topic, produces and fetches, large and small, and is read by REST clients', async () => {
      const client = await clientAt(kafka.port)
      const made = { name: topic, numPartitions: 2, replicationFactor: -1, assignments: [], configs: [] }
      const { topics } = await client.call('createTopics', { topics: [made], timeoutMs: 5_000 })
      expect(topics[0]).toMatchObject({ name: topic, errorCode: 0 })
      const { producerId } = await client.call('initProducerId', { transactionalId: null, transactionTimeoutMs: 0 })
      expect(Number(producerId)).toBeGreaterThanOrEqual(0)
      for (const value of ['tiny', 'x'.repeat(3_000), 'x'.repeat(500_000)]) {
        const { responses } = await client.call('produce', produceTo(topic, batchOf([value])), 9)
        expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
      }
      const { responses } = await client.call('fetch', fetchFrom(topic, 0), 12)
      expect(responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 3 })
      expect(responses[0]?.partitions[0]?.records?.length).toBeGreaterThan(500_000)
      expect((await target().rest('GET', `/topics/${topic}/partitions`)).body).toHaveLength(2)
    })

    it('waits for what a REST client appends', async () => {
      const client = await clientAt(kafka.port)
      const waiting = client.call('fetch', fetchFrom(topic, 3, { maxWaitMs: 25_000 }), 12)
      const headers = { 'content-type': 'application/vnd.kafka.json.v2+json' }
      const body = { records: [{ partition: 0, value: 'from REST' }] }
      expect((await target().rest('POST', `/topics/${topic}`, { headers, body })).status).toBe(200)
      expect((await waiting).responses[0]?.partitions[0]?.highWatermark).toBe(4)
    })

    it('joins a group, commits, leaves, and the group is deleted', async () => {
      const client = await clientAt(kafka.port)
      const groupId = `kafka-${randomUUID()}`
      const joining = {
        groupId,
        sessionTimeoutMs: 30_000,
        rebalanceTimeoutMs: 30_000,
        protocolType: 'test',
        protocols: [{ name: 'none', metadata: new Uint8Array(0) }],
      }
      const { memberId } = await client.call('joinGroup', { ...joining, memberId: '' })
      const joined = await client.call('joinGroup', { ...joining, memberId })
      expect(joined).toMatchObject({ errorCode: 0, leader: memberId })
      const who = { groupId, memberId, generationId: joined.generationId }
      const synced = await client.call('syncGroup', {
        ...who,
        protocolType: 'test',
        protocolName: 'none',
        assignments: [],
      })
      expect(synced.errorCode).toBe(0)
      expect((await client.call('heartbeat', who)).errorCode).toBe(0)
      const partitions = [{ partitionIndex: 0, committedOffset: 2, committedMetadata: null }]
      const commit = {
        groupId,
        memberId,
        generationIdOrMemberEpoch: joined.generationId,
        topics: [{ name: topic, partitions }],
      }
      expect((await client.call('offsetCommit', commit)).topics[0]?.partitions[0]?.errorCode).toBe(0)
      const { groups } = await client.call('offsetFetch', { groups: [{ groupId, topics: null }] })
      expect(groups[0]?.topics[0]?.partitions[0]?.committedOffset).toBe(2)
      expect(
        (await client.call('leaveGroup', { groupId, members: [{ memberId, groupInstanceId: null }] })).errorCode,
      ).toBe(0)
      expect((await client.call('deleteGroups', { groupsNames: [groupId] })).results[0]?.errorCode).toBe(0)
      expect(
        (await client.call('deleteTopics', { topics: [{ name: topic, topicId: zeroUuid }], timeoutMs: 5_000 }))
          .responses[0]?.errorCode,
      ).toBe(0)
    })
  })
}
