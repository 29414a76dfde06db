import { describe, expect, test } from 'vitest'
import { StoreError } from '../../src/store/errors.ts'
import { newServer, watchedStores } from '../http/kit.ts'
import { type Client, openDoor, type Request } from './kit.ts'
import { code, committed, newMember, settle } from './member.ts'

const open = async (http = newServer(undefined, { groupInitialRebalanceDelayMs: 20 })) => {
  const door = await openDoor({ http })
  await door.topic({ name: 't', partitions: 2 })
  return { door, client: await door.client() }
}

type Commit = Request<'offsetCommit'>['topics'][number]
const on = (
  name: string,
  partitionIndex: number,
  committedOffset: number,
  committedMetadata: string | null = null,
): Commit => ({
  name,
  partitions: [{ partitionIndex, committedOffset, committedMetadata, committedLeaderEpoch: 0 }],
})
const commit = async (client: Client, topics: Commit[], groupId = 'g', version?: number) =>
  (await client.call('offsetCommit', { groupId, memberId: '', topics }, version)).topics.flatMap(({ partitions }) =>
    partitions.map(({ errorCode }) => errorCode),
  )

describe('OffsetCommit and OffsetFetch', () => {
  test('say something that every client tries again while the store is out of reach', async () => {
    const stores = watchedStores()
    const { client } = await open(newServer(stores, { appendTimeoutMs: 0 }))
    stores.trouble = (moment) => {
      if (moment === 'before') throw new StoreError('unavailable', 'no route')
    }
    expect(await commit(client, [on('t', 0, 7)])).toEqual([code('COORDINATOR_NOT_AVAILABLE')])
    const asked = [null, [{ name: 't', partitionIndexes: [0] }]].map((topics) => ({ groupId: 'g', topics }))
    const { groups } = await client.call('offsetFetch', { groups: asked })
    expect(groups.map(({ errorCode }) => errorCode)).toEqual(asked.map(() => code('COORDINATOR_LOAD_IN_PROGRESS')))
  })

  test('keep the offsets of consumers outside of a membership, each with its metadata and epoch', async () => {
    const { client } = await open()
    expect(await commit(client, [on('t', 0, 7, 'mine'), on('t', 1, 8)])).toEqual([0, 0])
    const { groups } = await client.call('offsetFetch', {
      groups: [
        { groupId: 'g', topics: null },
        {
          groupId: 'other',
          topics: [
            { name: 't', partitionIndexes: [0, 9] },
            { name: 'x', partitionIndexes: [0] },
          ],
        },
      ],
      requireStable: true,
    })
    const nothing = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: 0 }
    expect(groups).toMatchObject([
      {
        errorCode: 0,
        topics: [
          {
            name: 't',
            partitions: [
              { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: 0, metadata: 'mine', errorCode: 0 },
              { partitionIndex: 1, committedOffset: 8, metadata: '' },
            ],
          },
        ],
      },
      {
        errorCode: 0,
        topics: [
          {
            name: 't',
            partitions: [
              { partitionIndex: 0, ...nothing },
              { partitionIndex: 9, ...nothing },
            ],
          },
          { name: 'x', partitions: [{ partitionIndex: 0, ...nothing }] },
        ],
      },
    ])
  })

  test('work in their oldest versions too', async () => {
    const { client } = await open()
    expect(await commit(client, [on('t', 0, 7)], 'g', 2)).toEqual([0])
    for (const version of [1, 2, 7]) {
      const topics = [{ name: 't', partitionIndexes: [0] }]
      const answer = await client.call('offsetFetch', { groupId: 'g', topics }, version)
      expect(answer.topics[0]?.partitions[0]?.committedOffset).toBe(7)
    }
    const refused = await client.call('offsetFetch', { groupId: '', topics: [{ name: 't', partitionIndexes: [0] }] }, 1)
    expect(refused.topics[0]?.partitions[0]?.errorCode).toBe(code('INVALID_GROUP_ID'))
    const told = await client.call('offsetFetch', { groupId: '', topics: null }, 2)
    expect([told.errorCode, told.topics]).toEqual([code('INVALID_GROUP_ID'), []])
  })

  test('tell each partition’s own error, and store the others', async () => {
    const { client } = await open()
    const unknown = code('UNKNOWN_TOPIC_OR_PARTITION')
    expect(
      await commit(client, [
        on('t', 0, 1),
        on('t', 2, 1),
        on('x', 0, 1),
        on('t', 1, 1, 'm'.repeat(4_097)),
        on('t', 1, -1),
      ]),
    ).toEqual([0, unknown, unknown, code('OFFSET_METADATA_TOO_LARGE'), code('INVALID_REQUEST')])
    expect(await committed(client, [0, 1])).toEqual([1, -1])
    expect(await commit(client, [on('t', 0, 1)], '')).toEqual([code('INVALID_GROUP_ID')])
  })

  test('refuse commits from outside while the group has members', async () => {
    const { door, client } = await open()
    const member = await newMember(door)
    await settle(member)
    expect(await commit(client, [on('t', 0, 1)])).toEqual([code('UNKNOWN_MEMBER_ID')])
    expect(await member.commit(0, 3)).toBe(0)
    await member.leave()
    expect(await commit(client, [on('t', 0, 1)])).toEqual([0])
    expect(await committed(client, [0])).toEqual([1])
  })
})

describe('Groups and offsets that are deleted', () => {
  const remove = async (client: Client, ...groupsNames: string[]) =>
    (await client.call('deleteGroups', { groupsNames })).results.map(({ errorCode }) => errorCode)
  const removeOffset = async (client: Client, name: string, groupId = 'g') =>
    client.call('offsetDelete', { groupId, topics: [{ name, partitions: [{ partitionIndex: 0 }] }] })

  test('groups go with what they committed, unless somebody is in them', async () => {
    const { door, client } = await open()
    await commit(client, [on('t', 0, 7)])
    const member = await newMember(door, { group: 'lives' })
    await settle(member)
    expect(await remove(client, 'g', 'lives', 'none', '')).toEqual([
      0,
      code('NON_EMPTY_GROUP'),
      code('GROUP_ID_NOT_FOUND'),
      code('INVALID_GROUP_ID'),
    ])
    expect(await committed(client, [0])).toEqual([-1])
  })

  test('offsets go one by one, unless a member reads their topic', async () => {
    const { door, client } = await open()
    await door.topic({ name: 'u' })
    await commit(client, [on('t', 0, 7), on('u', 0, 8)])
    const member = await newMember(door)
    await settle(member)
    const reads = await removeOffset(client, 't')
    expect(reads.topics[0]?.partitions[0]?.errorCode).toBe(code('GROUP_SUBSCRIBED_TO_TOPIC'))
    const deleted = await removeOffset(client, 'u')
    expect([deleted.errorCode, deleted.topics[0]?.partitions[0]?.errorCode]).toEqual([0, 0])
    expect((await removeOffset(client, 't', 'none')).errorCode).toBe(code('GROUP_ID_NOT_FOUND'))
    const { groups } = await client.call('offsetFetch', { groups: [{ groupId: 'g', topics: null }] })
    expect(groups[0]?.topics.map(({ name }) => name)).toEqual(['t'])
  })
})
