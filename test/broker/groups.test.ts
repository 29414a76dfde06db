import { describe, expect, test } from 'vitest'
import { decodeSubscription } from '../../src/groups/protocol.ts'
import { post } from '../http/consumer-kit.ts'
import { owned } from '../http/group-kit.ts'
import { openDoor } from './kit.ts'
import { code, committed, newMember, settle } from './member.ts'

const open = async (partitions = 4) => {
  const door = await openDoor({ settings: { groupInitialRebalanceDelayMs: 30 } })
  await door.topic({ name: 't', partitions })
  return door
}

describe('a group of Kafka clients', () => {
  test('is joined in two steps, the first of which gives a member id', async () => {
    const member = await newMember(await open())
    const first = await member.joinOnce()
    expect([first.errorCode, first.memberId]).toEqual([
      code('MEMBER_ID_REQUIRED'),
      expect.stringMatching(/^test-.{20,}$/),
    ])
    const joined = await member.joinOnce()
    expect(joined).toMatchObject({
      errorCode: 0,
      generationId: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: first.memberId,
      memberId: first.memberId,
    })
    expect(await member.sync()).toEqual([0, 1, 2, 3])
  })

  test('is joined in one step by clients before version 4', async () => {
    const member = await newMember(await open())
    expect(await member.joinOnce(3)).toMatchObject({ errorCode: 0, generationId: 1 })
  })

  test('shares the partitions out among its members, and again when one leaves', async () => {
    const door = await open()
    const [a, b] = [await newMember(door), await newMember(door)]
    const [ofA = [], ofB = []] = await settle(a, b)
    expect([ofA.length, ofB.length, [...ofA, ...ofB].sort()]).toEqual([2, 2, [0, 1, 2, 3]])
    expect([await a.beat(), await b.beat()]).toEqual([0, 0])
    expect(await b.leave()).toBe(0)
    expect([await a.beat(), await b.beat()]).toEqual([code('REBALANCE_IN_PROGRESS'), code('UNKNOWN_MEMBER_ID')])
    expect(await settle(a)).toEqual([[0, 1, 2, 3]])
  })

  test('knows a static member by its member id alone, as before KIP-345', async () => {
    const door = await open()
    const [first, other] = [await newMember(door, { instanceId: 'one' }), await newMember(door)]
    await settle(first, other)
    const { memberId, reply } = first
    const who = { groupId: 'g', generationId: reply.generationId, memberId }
    const beat = async () => (await first.client.call('heartbeat', who, 0)).errorCode
    expect(await beat()).toBe(0)
    const second = await newMember(door, { instanceId: 'one' })
    expect((await second.join()).errorCode).toBe(0)
    expect(await beat()).toBe(code('UNKNOWN_MEMBER_ID'))
  })

  test('keeps a static member’s partitions for the process that comes in its place, and fences the old one', async () => {
    const door = await open()
    const [first, other] = [await newMember(door, { instanceId: 'one' }), await newMember(door)]
    const [had] = await settle(first, other)
    const second = await newMember(door, { instanceId: 'one' })
    const again = await second.join()
    expect([again.errorCode, again.generationId]).toEqual([0, first.reply.generationId])
    expect(await second.sync()).toEqual(had)
    expect([await first.beat(), await first.commit(0, 1)]).toEqual(Array(2).fill(code('FENCED_INSTANCE_ID')))
    expect([await second.beat(), await other.beat()]).toEqual([0, 0])
  })

  test('tells a static leader that comes back to skip the assignment, and an older client that it does not lead', async () => {
    const door = await open()
    await settle(await newMember(door, { instanceId: 'one' }))
    const newer = await newMember(door, { instanceId: 'one' })
    const skips = await newer.join()
    expect([skips.leader, skips.skipAssignment, skips.members.length]).toEqual([newer.memberId, true, 1])
    const older = await newMember(door, { instanceId: 'one' })
    const spared = await older.join(8)
    expect([spared.errorCode, spared.leader === older.memberId, spared.members]).toEqual([0, false, []])
    expect(await older.sync()).toEqual([0, 1, 2, 3])
  })

  test('passes on what cooperative members say they own', async () => {
    const door = await open()
    const keeps = await newMember(door, { owned: [0, 1] })
    await settle(keeps)
    const joins = await newMember(door)
    const waiting = joins.join()
    while ((await keeps.beat()) === 0);
    keeps.owned = [0, 1, 2, 3]
    await Promise.all([keeps.join(), waiting])
    const told = keeps.reply.members.find(({ memberId }) => memberId === keeps.memberId)
    expect(decodeSubscription(told?.metadata ?? new Uint8Array()).owned).toEqual([
      { topic: 't', partitions: [0, 1, 2, 3] },
    ])
  })

  test('takes no commit of a generation that is over', async () => {
    const door = await open()
    const [old, other] = [await newMember(door), await newMember(door)]
    await settle(old)
    expect(await old.commit(0, 5)).toBe(0)
    const joining = other.join()
    while ((await old.beat()) === 0);
    const generation = old.reply.generationId
    await Promise.all([old.join(), joining])
    await Promise.all([old.sync(), other.sync()])
    const late = await old.client.call('offsetCommit', {
      groupId: 'g',
      generationIdOrMemberEpoch: generation,
      memberId: old.memberId,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset: 9, committedMetadata: null }] }],
    })
    expect(late.topics[0]?.partitions).toEqual([{ partitionIndex: 0, errorCode: code('ILLEGAL_GENERATION') }])
    expect(await committed(old.client, [0])).toEqual([5])
  })

  test('is described as Kafka describes it, and listed by state and type', async () => {
    const door = await open()
    const member = await newMember(door, { instanceId: 'one' })
    await settle(member)
    const client = await door.client()
    const { groups } = await client.call('describeGroups', { groups: ['g', 'none'] })
    expect(groups).toMatchObject([
      {
        errorCode: 0,
        groupState: 'Stable',
        protocolType: 'consumer',
        protocolData: 'range',
        members: [{ groupInstanceId: 'one', clientId: 'test', clientHost: '/127.0.0.1' }],
      },
      { errorCode: code('GROUP_ID_NOT_FOUND'), groupId: 'none', groupState: 'Dead' },
    ])
    const older = await client.call('describeGroups', { groups: ['none'] }, 5)
    expect(older.groups).toMatchObject([{ errorCode: 0, groupState: 'Dead' }])
    const listed = async (filters: object) =>
      (await client.call('listGroups', filters)).groups.map(({ groupId, groupType }) => `${groupId} ${groupType}`)
    expect(await listed({})).toEqual(['g classic'])
    expect(await listed({ statesFilter: ['stable'], typesFilter: ['Classic'] })).toEqual(['g classic'])
    expect(await listed({ statesFilter: ['Empty'] })).toEqual([])
    expect(await listed({ typesFilter: ['consumer'] })).toEqual([])
  })

  test('refuses what Kafka refuses', async () => {
    const door = await open()
    const member = await newMember(door)
    await settle(member)
    const quick = await newMember(door, { sessionTimeoutMs: 1 })
    expect((await quick.join()).errorCode).toBe(code('INVALID_SESSION_TIMEOUT'))
    const nameless = await newMember(door, { group: '' })
    expect((await nameless.join()).errorCode).toBe(code('INVALID_GROUP_ID'))
    const { client, memberId, reply } = member
    const sync = { groupId: 'g', generationId: reply.generationId, memberId, assignments: [] }
    expect((await client.call('syncGroup', sync)).errorCode).toBe(code('INCONSISTENT_GROUP_PROTOCOL'))
    expect((await client.call('syncGroup', { ...sync, generationId: 9 }, 4)).errorCode).toBe(code('ILLEGAL_GENERATION'))
    const gone = await client.call('leaveGroup', { groupId: 'g', memberId: 'x' }, 2)
    expect(gone.errorCode).toBe(code('UNKNOWN_MEMBER_ID'))
    expect(door.reports).toEqual([])
  })
})

describe('a group that Kafka clients and REST instances share', () => {
  test('splits its partitions between them, and each commits its own', async () => {
    const door = await open()
    const { http } = door
    const base = '/consumers/g/instances/i'
    expect(
      (await post(http, '/consumers/g', { name: 'i', format: 'json', 'auto.offset.reset': 'earliest' })).status,
    ).toBe(200)
    expect((await post(http, `${base}/subscription`, { topics: ['t'] })).status).toBe(204)
    const member = await newMember(door)
    let mine: number[] = []
    for (let turn = 0; turn < 20 && mine.length !== 2; turn++) {
      const polling = http.call('GET', `${base}/records`, {
        query: { timeout: '1000' },
        accept: 'application/vnd.kafka.json.v2+json',
      })
      await member.join()
      mine = await member.sync().catch(() => [])
      await polling
      if (mine.length === 2) expect(await member.beat()).toBe(0)
    }
    const theirs = (await owned(http, 'i')).map(({ partition }) => partition)
    expect([...mine, ...theirs].sort()).toEqual([0, 1, 2, 3])
    const [partition = -1] = mine
    expect(await member.commit(partition, 7)).toBe(0)
    const [other = -1] = theirs
    const offsets = [{ topic: 't', partition: other, offset: 2 }]
    expect((await post(http, `${base}/offsets`, { offsets })).status).toBe(200)
    expect(await committed(await door.client(), [partition, other])).toEqual([7, 3])
  })
})
