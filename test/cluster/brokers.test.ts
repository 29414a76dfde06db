import { expect, test } from 'vitest'
import { headKey } from '../../src/log/keys.ts'
import { batchesIn, decodeBatch } from '../../src/protocol/records/batch.ts'
import { set } from '../../src/store/items.ts'
import { batchOf, type Client, fetchFrom, produceTo } from '../broker/kit.ts'
import { beatMs, newBrokers, partitionsOf, type RunningBroker, replacedMs, startThree } from './brokers.ts'

const notLeader = 6
const notCoordinator = 16
const coordinatorNotAvailable = 15
const leaderNotAvailable = 5
const fencedEpoch = 74
const unknownEpoch = 75

const there = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('nothing there')
  return value
}
const only = <T>(all: readonly T[]): T => there(all[0])

async function produced(client: Client, partition: number, value: string) {
  const { responses, nodeEndpoints } = await client.call(
    'produce',
    produceTo('news', batchOf([value], Date.UTC(2026, 0, 1)), partition),
    12,
  )
  return { ...only(only(responses).partitionResponses), nodeEndpoints }
}

async function fetched(client: Client, partition: number, offset = 0, currentLeaderEpoch = -1) {
  const request = fetchFrom('news', offset, { partition })
  const topics = request.topics?.map((topic) => ({
    ...topic,
    partitions: topic.partitions?.map((one) => ({ ...one, currentLeaderEpoch })) ?? [],
  }))
  const { responses } = await client.call('fetch', { ...request, topics: topics ?? [] }, 12)
  return only(only(responses).partitions)
}

async function values(records: Uint8Array | null): Promise<string[]> {
  const found: string[] = []
  for (const { at, totalBytes } of batchesIn(records ?? new Uint8Array())) {
    const batch = await decodeBatch(there(records ?? undefined).subarray(at, at + totalBytes))
    found.push(...batch.map(({ value }) => Buffer.from(value ?? []).toString()))
  }
  return found
}

const partitionLeaderEpochAt = 12

const epochsIn = (records: Uint8Array | null): number[] =>
  [...batchesIn(records ?? new Uint8Array())].map(({ at }) =>
    Buffer.from(there(records ?? undefined)).readInt32BE(at + partitionLeaderEpochAt),
  )

/** The broker with this id, and one that is another. */
const split = (all: readonly RunningBroker[], nodeId: number) => ({
  leader: there(all.find((one) => one.nodeId === nodeId)),
  other: there(all.find((one) => one.nodeId !== nodeId)),
})

test('every broker tells the same: all brokers, one leader for each partition, one coordinator, one controller', async () => {
  const brokers = newBrokers()
  await brokers.topic('news', 40)
  const three = await startThree(brokers)
  const told = await Promise.all(
    three.map(async (broker) => {
      const client = await broker.client()
      const { brokers: live, controllerId } = await client.call('metadata', { topics: [] })
      const { brokers: described } = await client.call('describeCluster', {
        includeClusterAuthorizedOperations: false,
        endpointType: 1,
      })
      const { coordinators } = await client.call('findCoordinator', { keyType: 0, coordinatorKeys: ['a', 'b', 'c'] })
      const leaders = (await partitionsOf(client, 'news')).map(({ leaderId, leaderEpoch }) => ({
        leaderId,
        leaderEpoch,
      }))
      const ids = described.map(({ brokerId }) => brokerId)
      return { live: live.map(({ nodeId, port }) => ({ nodeId, port })), ids, controllerId, leaders, coordinators }
    }),
  )
  const first = only(told)
  for (const one of told) expect(one).toEqual(first)
  expect(first.live).toEqual(three.map(({ nodeId, kafka }) => ({ nodeId, port: kafka.port })))
  expect(first.ids).toEqual([1, 2, 3])
  expect(new Set(first.leaders.map(({ leaderId }) => leaderId))).toEqual(new Set([1, 2, 3]))
  expect(first.leaders.every(({ leaderEpoch }) => leaderEpoch > 0)).toBe(true)
})

test('who asks the wrong broker is told who leads, and where that one is', async () => {
  const brokers = newBrokers()
  const topicId = await brokers.topic('news', 1)
  const three = await startThree(brokers)
  const [partition] = await partitionsOf(await only(three).client(), 'news')
  const { leader, other } = split(three, there(partition).leaderId)
  const wrong = await other.client()
  const refused = await produced(wrong, 0, 'a')
  expect(refused).toMatchObject({ errorCode: notLeader, currentLeader: { leaderId: leader.nodeId } })
  expect(refused.nodeEndpoints.map(({ nodeId }) => nodeId)).toContain(leader.nodeId)
  expect(await fetched(wrong, 0)).toMatchObject({ errorCode: notLeader, currentLeader: { leaderId: leader.nodeId } })
  const listed = await wrong.call('listOffsets', {
    replicaId: -1,
    topics: [{ name: 'news', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  })
  expect(listed.topics[0]?.partitions[0]?.errorCode).toBe(notLeader)
  const epochs = await wrong.call('offsetForLeaderEpoch', {
    topics: [{ topic: 'news', partitions: [{ partition: 0, leaderEpoch: 0 }] }],
  })
  expect(epochs.topics[0]?.partitions[0]?.errorCode).toBe(notLeader)
  expect(topicId).toHaveLength(22)
  expect(await produced(await leader.client(), 0, 'a')).toMatchObject({ errorCode: 0, baseOffset: 0 })
})

test('a group is served by its coordinator alone', async () => {
  const brokers = newBrokers()
  const three = await startThree(brokers)
  const { coordinators } = await (await only(three).client()).call('findCoordinator', {
    keyType: 0,
    coordinatorKeys: ['g'],
  })
  const { leader, other } = split(three, there(coordinators[0]).nodeId)
  const request = { groupId: 'g', generationId: 1, memberId: 'm' }
  expect(await (await other.client()).call('heartbeat', request)).toMatchObject({ errorCode: notCoordinator })
  expect((await (await leader.client()).call('heartbeat', request)).errorCode).not.toBe(notCoordinator)
})

test('but what a group has committed is told by whichever broker is asked', async () => {
  const brokers = newBrokers()
  await brokers.topic('news', 1)
  const three = await startThree(brokers)
  const clients = await Promise.all(three.map((broker) => broker.client()))
  const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: null }]
  const request = { groupId: 'g', memberId: '', topics: [{ name: 'news', partitions }] }
  const committed = await Promise.all(clients.map((client) => client.call('offsetCommit', request)))
  const errors = committed.map(({ topics }) => topics[0]?.partitions[0]?.errorCode)
  expect(errors.toSorted()).toEqual([0, notCoordinator, notCoordinator])
  for (const client of clients) {
    const { groups } = await client.call('offsetFetch', { groups: [{ groupId: 'g', topics: null }] })
    expect(groups).toMatchObject([{ errorCode: 0, topics: [{ partitions: [{ committedOffset: 7 }] }] }])
  }
})

test('batches carry no greater epoch than Metadata tells, and clients with other epochs are told so', async () => {
  const brokers = newBrokers()
  await brokers.topic('news', 1)
  const three = await startThree(brokers)
  const { leaderId, leaderEpoch } = there(only(await partitionsOf(await only(three).client(), 'news')))
  const client = await split(three, leaderId).leader.client()
  await produced(client, 0, 'a')
  const { records } = await fetched(client, 0, 0, leaderEpoch)
  expect(epochsIn(records)).toEqual([leaderEpoch])
  expect((await fetched(client, 0, 0, leaderEpoch - 1)).errorCode).toBe(fencedEpoch)
  expect((await fetched(client, 0, 0, leaderEpoch + 1)).errorCode).toBe(unknownEpoch)
})

test('when a broker dies others lead what it led, in a greater epoch, and everything acknowledged is there', async () => {
  const brokers = newBrokers()
  await brokers.topic('news', 40)
  const three = await startThree(brokers)
  const before = await partitionsOf(await only(three).client(), 'news')
  for (const { partitionIndex, leaderId } of before) {
    const client = await split(three, leaderId).leader.client()
    expect(await produced(client, partitionIndex, `before ${partitionIndex}`)).toMatchObject({ errorCode: 0 })
  }
  const [dead, ...living] = three
  there(dead).network.state.trouble = 'unreachable'
  await brokers.pass(replacedMs)
  const after = await partitionsOf(await only(living).client(), 'news')
  for (const [at, { partitionIndex, leaderId, leaderEpoch }] of after.entries()) {
    const was = there(before[at])
    expect(living.map(({ nodeId }) => nodeId)).toContain(leaderId)
    if (was.leaderId === dead?.nodeId) expect(leaderEpoch).toBeGreaterThan(was.leaderEpoch)
    else expect([leaderId, leaderEpoch]).toEqual([was.leaderId, was.leaderEpoch])
    const client = await split(living, leaderId).leader.client()
    expect(await produced(client, partitionIndex, 'after')).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect(await values((await fetched(client, partitionIndex)).records)).toEqual([`before ${partitionIndex}`, 'after'])
  }
})

test('a broker that slept through its lease answers nothing as leader or coordinator, from its first request on', async () => {
  const brokers = newBrokers()
  await brokers.topic('news', 1)
  const one = await brokers.start()
  const client = await one.client()
  expect(await produced(client, 0, 'a')).toMatchObject({ errorCode: 0 })
  one.network.state.trouble = 'unreachable'
  await brokers.pass(replacedMs)
  one.network.state.trouble = 'none'
  expect(await produced(client, 0, 'b')).toMatchObject({ errorCode: notLeader })
  expect(await fetched(client, 0)).toMatchObject({ errorCode: notLeader })
  expect(only(await partitionsOf(client, 'news'))).toMatchObject({ errorCode: leaderNotAvailable, leaderId: -1 })
  const found = await client.call('findCoordinator', { keyType: 0, coordinatorKeys: ['g'] })
  expect(found.coordinators[0]?.errorCode).toBe(coordinatorNotAvailable)
  expect(await client.call('heartbeat', { groupId: 'g', generationId: 1, memberId: 'm' })).toMatchObject({
    errorCode: notCoordinator,
  })
  expect(await client.call('listGroups', {})).toMatchObject({ errorCode: coordinatorNotAvailable })
  await brokers.pass(beatMs)
  expect(await produced(client, 0, 'b')).toMatchObject({ errorCode: 0, baseOffset: 1 })
})

test('an old leader that believes in itself appends nothing once another has appended', async () => {
  const brokers = newBrokers()
  await brokers.topic('news', 40)
  const one = await brokers.start()
  const old = await one.client()
  // The other joins, and the first has not looked yet.
  const two = await brokers.start()
  const moved = there((await partitionsOf(await two.client(), 'news')).find(({ leaderId }) => leaderId === two.nodeId))
  const at = moved.partitionIndex
  expect(there((await partitionsOf(old, 'news'))[at]).leaderId).toBe(one.nodeId)
  expect(await produced(old, at, 'old, before')).toMatchObject({ errorCode: 0, baseOffset: 0 })
  const next = await two.client()
  expect(await produced(next, at, 'new')).toMatchObject({ errorCode: 0, baseOffset: 1 })
  expect(await produced(old, at, 'old, after')).toMatchObject({ errorCode: notLeader })
  expect(await fetched(next, at, 2)).toMatchObject({ errorCode: 0, highWatermark: 2 })
  const told = there((await partitionsOf(old, 'news'))[at]).leaderEpoch
  expect(told).toBeLessThan(moved.leaderEpoch)
  expect(epochsIn((await fetched(old, at)).records)).toEqual([told, told])
  // Being refused told it to look.
  await brokers.pass(beatMs / 2)
  expect(await produced(old, at, 'old')).toMatchObject({
    errorCode: notLeader,
    currentLeader: { leaderId: two.nodeId },
  })
})

test('a view that was lost with all who knew it is made anew beyond the epochs that heads have met', async () => {
  const brokers = newBrokers()
  const topicId = await brokers.topic('news', 2)
  await brokers.stores.items.update(headKey({ topicId, partition: 1 }), { patches: [set('e', 40)] })
  const one = await brokers.start()
  const client = await one.client()
  expect(await produced(client, 0, 'a')).toMatchObject({ errorCode: 0, baseOffset: 0 })
  expect(await produced(client, 1, 'a')).toMatchObject({ errorCode: notLeader })
  await brokers.pass(beatMs)
  for (const at of [0, 1]) expect(await produced(client, at, 'b')).toMatchObject({ errorCode: 0 })
  for (const { leaderEpoch } of await partitionsOf(client, 'news')) expect(leaderEpoch).toBeGreaterThan(40)
})

test('whoever leaves sends its clients on at once, and the others take over without a pause', async () => {
  const brokers = newBrokers()
  await brokers.topic('news', 40)
  const [one, two] = [await brokers.start(), await brokers.start()]
  await brokers.pass(beatMs)
  const [leaving, staying] = [await one.client(), await two.client()]
  const led = (await partitionsOf(leaving, 'news')).filter(({ leaderId }) => leaderId === one.nodeId)
  const at = only(led).partitionIndex
  expect(await produced(leaving, at, 'a')).toMatchObject({ errorCode: 0 })
  await brokers.during(one.cluster.leave())
  expect(await produced(leaving, at, 'b')).toMatchObject({
    errorCode: notLeader,
    currentLeader: { leaderId: two.nodeId },
  })
  expect(await produced(staying, at, 'b')).toMatchObject({ errorCode: 0, baseOffset: 1 })
  await one.cluster.release()
  const { brokers: live } = await staying.call('metadata', { topics: [] })
  expect(live.map(({ nodeId }) => nodeId)).toEqual([two.nodeId])
})

test('whoever leaves goes on for a beat of its lease, however long that is, and waits seconds for stores that are silent', async () => {
  const leaseMs = 60_000
  const brokers = newBrokers()
  const [one, two] = [await brokers.start(leaseMs), await brokers.start(leaseMs)]
  const ended = async (work: Promise<void>) => {
    const beganMs = brokers.clock.uptime()
    const outcome = await brokers.during(work).then(
      () => 'done',
      (error) => error.trouble,
    )
    return [outcome, brokers.clock.uptime() - beganMs]
  }
  expect(await ended(one.cluster.leave())).toEqual(['done', leaseMs / 4])
  two.network.state.trouble = 'silent'
  expect(await ended(two.cluster.leave())).toEqual(['unknown-outcome', 5_000])
  expect(await ended(two.cluster.release())).toEqual(['unknown-outcome', 5_000])
})
