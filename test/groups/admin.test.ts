import { describe, expect, it } from 'vitest'
import { deleteGroup, deleteOffsets } from '../../src/groups/admin.ts'
import { assignedPartitions, describeGroup, listGroups } from '../../src/groups/describe.ts'
import { groupOffsets } from '../../src/groups/group-offsets.ts'
import { groupLags } from '../../src/groups/lag.ts'
import { commitOffsets } from '../../src/groups/offsets.ts'
import { resetOffsets } from '../../src/groups/reset.ts'
import { offsetKey } from '../../src/log/keys.ts'
import { createTopic, deleteTopic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { absent, all, any, compare, equals, set } from '../../src/store/items.ts'
import { freshCore, send } from '../log/core.ts'
import { committed, errorOf, group, newConsumer, newsTopic, newWorld, sessionMs, settleAll } from './kit.ts'

/** A stable group of these many members over `news` with four partitions. */
async function stableGroup(members = 2) {
  const world = newWorld()
  const core = world.server()
  const topic = await newsTopic(core)
  const consumers = Array.from({ length: members }, (_, at) => newConsumer(core, { clientId: `c${at}` }))
  await world.during(settleAll(consumers))
  const [consumer] = consumers
  if (!consumer) throw new Error('a group without members is not stable')
  return { ...world, core, topic, consumer, consumers }
}

async function simpleGroup(core: Core, offset = 5) {
  const topic = await newsTopic(core)
  await commitOffsets(core, group, [{ topicId: topic.id, partition: 0, offset }])
  return topic
}

describe('listing and describing', () => {
  it('tells a stable group with what its members said and were assigned', async () => {
    const { core, consumers } = await stableGroup()
    const description = await describeGroup(core, group)
    expect(description).toMatchObject({ group, state: 'Stable', protocolType: 'consumer', protocol: 'range' })
    expect(description.members.map(({ memberId }) => memberId)).toEqual(consumers.map((one) => one.memberId).sort())
    for (const member of description.members) {
      const consumer = consumers.find(({ memberId }) => memberId === member.memberId)
      expect(
        assignedPartitions(member)
          .map((one) => `${one.topic}/${one.partition}`)
          .join(' '),
      ).toBe(consumer?.assigned)
      expect(member).toMatchObject({ clientHost: '/127.0.0.1', clientId: expect.stringMatching(/^c\d$/) })
    }
    expect(await listGroups(core)).toEqual([{ group, state: 'Stable', protocolType: 'consumer', protocol: 'range' }])
  })

  it('tells who is in a group that rebalances, but neither metadata nor assignments', async () => {
    const { core, during } = await stableGroup(1)
    await during(newConsumer(core).joinFor(10))
    const { state, protocol, members } = await describeGroup(core, group)
    expect([state, protocol, members.length]).toEqual(['PreparingRebalance', '', 2])
    for (const { metadata, assignment } of members) expect([metadata.length, assignment.length]).toEqual([0, 0])
  })

  it('lists a group that only has offsets, and one that everybody left, as empty', async () => {
    const { core, consumer, during, topic } = await stableGroup(1)
    await during(consumer.leave())
    await commitOffsets(core, 'a simple one', [{ topicId: topic.id, partition: 0, offset: 1 }])
    expect(await listGroups(core)).toEqual([
      { group: 'a simple one', state: 'Empty', protocolType: '', protocol: '' },
      { group, state: 'Empty', protocolType: 'consumer', protocol: '' },
    ])
    expect((await describeGroup(core, group)).members).toEqual([])
  })

  it('has never heard of other groups', async () => {
    const core = freshCore()
    expect(await listGroups(core)).toEqual([])
    expect(await errorOf(describeGroup(core, 'nobody'))).toBe('GROUP_ID_NOT_FOUND')
  })

  it('lists hundreds of groups in order of names', async () => {
    const core = freshCore()
    const { id } = await newsTopic(core)
    const names = Array.from({ length: 230 }, (_, at) => `g${String(at).padStart(3, '0')}`)
    for (const name of names.toReversed()) await commitOffsets(core, name, [{ topicId: id, partition: 0, offset: 1 }])
    expect((await listGroups(core)).map((one) => one.group)).toEqual(names)
  })
})

describe('offsets and lags', () => {
  it('of a group come by topic name, without those of topics that are gone', async () => {
    const core = freshCore()
    const topic = await simpleGroup(core)
    const [a, gone] = [
      await createTopic(core, { name: 'a', partitions: 12 }),
      await createTopic(core, { name: 'gone' }),
    ]
    const entries = [11, 2].map((partition) => ({ topicId: a.id, partition, offset: partition, metadata: 'm' }))
    await commitOffsets(core, group, [...entries, { topicId: gone.id, partition: 0, offset: 1 }])
    await deleteTopic(core, 'gone')
    await createTopic(core, { name: 'gone' })
    const offsets = await groupOffsets(core, group)
    expect(offsets.map((one) => [one.topic.name, one.partition, one.offset, one.metadata])).toEqual([
      ['a', 2, 2, 'm'],
      ['a', 11, 11, 'm'],
      [topic.name, 0, 5, ''],
    ])
  })

  it('show how far behind each partition is, and whose it is', async () => {
    const { core, topic, consumer, consumers } = await stableGroup()
    for (const each of [0, 1]) await send(core, topic, each, ['a', 'b', 'c'], Math.floor(core.clock.now()))
    const [other] = consumers.slice(1)
    const owner = (partition: number) => (consumer.assigned.includes(`/${partition}`) ? consumer : other)
    for (const partition of [0, 1]) await owner(partition)?.commit(topic.id, partition, partition + 1)
    expect(await groupLags(core, group)).toMatchObject(
      [0, 1].map((partition) => ({
        topic: 'news',
        partition,
        currentOffset: partition + 1,
        logEndOffset: 3,
        lag: 2 - partition,
        owner: { memberId: owner(partition)?.memberId },
      })),
    )
  })

  it('never fall below zero, and have no owner where nobody is in the group', async () => {
    const core = freshCore()
    await simpleGroup(core, 9)
    expect(await groupLags(core, group)).toMatchObject([
      { currentOffset: 9, logEndOffset: 0, lag: 0, owner: undefined },
    ])
    expect(await errorOf(groupLags(core, 'nobody'))).toBe('GROUP_ID_NOT_FOUND')
  })
})

describe('deleting a group', () => {
  it('takes its offsets with it, and a second time finds nothing', async () => {
    const core = freshCore()
    const topic = await simpleGroup(core)
    await deleteGroup(core, group)
    expect(await committed(core, topic.id, 0)).toBeUndefined()
    expect(await listGroups(core)).toEqual([])
    expect(await errorOf(deleteGroup(core, group))).toBe('GROUP_ID_NOT_FOUND')
    expect(await errorOf(describeGroup(core, group))).toBe('GROUP_ID_NOT_FOUND')
  })

  it('is refused while somebody lives in it, and not for the dead', async () => {
    const { core, consumer, topic, during, pass } = await stableGroup(1)
    await consumer.commit(topic.id, 0, 3)
    expect(await errorOf(deleteGroup(core, group))).toBe('NON_EMPTY_GROUP')
    expect(await committed(core, topic.id, 0)).toBe(3)
    await pass(sessionMs + 1)
    await during(deleteGroup(core, group))
    expect(await committed(core, topic.id, 0)).toBeUndefined()
    expect(await errorOf(consumer.commit(topic.id, 0, 4))).toBe('UNKNOWN_MEMBER_ID')
  })

  it('leaves nothing that a commit which was frozen on its way could bring back', async () => {
    const core = freshCore()
    const topic = await simpleGroup(core)
    // What a writer of before has in hand: the condition of `offsets.ts`, at the version and the fence of then.
    const key = offsetKey(group, topic.id, 0)
    const before = await core.items.get(key)
    const frozen = (version: number) => ({
      patches: [set('offset', 99), set('n', version + 1)],
      if: all(
        version === 0 ? absent('n') : equals('n', version),
        any(absent('fence'), compare('fence', '<=', 2 ** 20 - 1)),
      ),
    })
    await deleteGroup(core, group)
    for (const version of [0, Number(before?.n), Number(before?.n) + 1]) {
      expect((await core.items.update(key, frozen(version))).applied).toBe(false)
    }
    expect(await committed(core, topic.id, 0)).toBeUndefined()
  })

  it('lets the name be used again: by whoever commits, by members, by other servers', async () => {
    const { core, consumer, topic, during, server } = await stableGroup(1)
    await consumer.commit(topic.id, 0, 3)
    await during(consumer.leave())
    await deleteGroup(core, group)
    await commitOffsets(server(), group, [{ topicId: topic.id, partition: 0, offset: 7 }])
    expect(await committed(core, topic.id, 0)).toBe(7)
    expect(await listGroups(core)).toMatchObject([{ group, state: 'Empty', protocolType: '' }])
    const next = newConsumer(server())
    await during(next.settle())
    expect(next.generation).toBeGreaterThan(consumer.generation)
    await next.commit(topic.id, 0, 8)
    expect(await committed(core, topic.id, 0)).toBe(8)
  })

  it('cut off in the middle is finished by sending it again', async () => {
    const stores = memoryStores()
    const core = { ...freshCore(), items: stores.items }
    const topic = await simpleGroup(core)
    let updates = 0
    const items: Core['items'] = {
      ...stores.items,
      update: (key, update) => {
        if (key.pk.startsWith('offsets/') && updates++ === 0) throw new Error('the power is gone')
        return stores.items.update(key, update)
      },
    }
    await expect(deleteGroup({ ...core, items }, group)).rejects.toThrow('the power is gone')
    expect(await committed(core, topic.id, 0)).toBe(5)
    await deleteGroup(core, group)
    expect(await committed(core, topic.id, 0)).toBeUndefined()
  })
})

describe('deleting offsets', () => {
  it('spares topics that a member is subscribed to, and forgets the others', async () => {
    const { core, consumer, topic } = await stableGroup(1)
    const other = await createTopic(core, { name: 'other' })
    await consumer.commit(topic.id, 0, 3)
    await consumer.commit(other.id, 0, 4)
    const answers = await deleteOffsets(core, group, [
      { topic: 'news', partition: 0 },
      { topic: 'other', partition: 0 },
      { topic: 'other', partition: 5 },
      { topic: 'never', partition: 0 },
    ])
    expect(answers.map(({ error }) => error?.error)).toEqual([
      'GROUP_SUBSCRIBED_TO_TOPIC',
      undefined,
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    expect([await committed(core, topic.id, 0), await committed(core, other.id, 0)]).toEqual([3, undefined])
    // Its members may still commit there: in Kafka nothing forbids it.
    await consumer.commit(other.id, 0, 6)
    expect(await committed(core, other.id, 0)).toBe(6)
  })

  it('stops a commit of a living member that was on its way', async () => {
    const { core, consumer } = await stableGroup(1)
    const other = await createTopic(core, { name: 'other' })
    await consumer.commit(other.id, 0, 4)
    const key = offsetKey(group, other.id, 0)
    const before = await core.items.get(key)
    await deleteOffsets(core, group, [{ topic: 'other', partition: 0 }])
    // The member's next commit as `offsets.ts` sends it: it follows the version before.
    const patches = [set('offset', 99), set('n', Number(before?.n) + 1)]
    expect((await core.items.update(key, { patches, if: equals('n', Number(before?.n)) })).applied).toBe(false)
    expect(await committed(core, other.id, 0)).toBeUndefined()
  })

  it('works on a group that nobody is in, and not on one that there is not', async () => {
    const core = freshCore()
    const topic = await simpleGroup(core)
    await deleteOffsets(core, group, [
      { topic: 'news', partition: 0 },
      { topic: 'news', partition: 1 },
    ])
    expect(await committed(core, topic.id, 0)).toBeUndefined()
    expect(await errorOf(deleteOffsets(core, 'nobody', []))).toBe('GROUP_ID_NOT_FOUND')
    await commitOffsets(core, group, [{ topicId: topic.id, partition: 0, offset: 1 }])
    expect(await committed(core, topic.id, 0)).toBe(1)
  })
})

describe('resetting offsets', () => {
  /** Ten records in partition 0, a second apart; 5 is committed. */
  async function read() {
    const core = freshCore()
    const topic = await simpleGroup(core)
    const startMs = Date.now() - 60_000
    for (let at = 0; at < 10; at++) await send(core, topic, 0, [`${at}`], startMs + at * 1_000)
    return { core, topic, startMs }
  }

  it.each([
    ['earliest', 'earliest', 0],
    ['latest', 'latest', 10],
    ['an offset', { offset: 3 }, 3],
    ['an offset beyond the end', { offset: 1_000 }, 10],
    ['an offset before the beginning', { offset: -1 }, 0],
    ['a shift forward', { shiftBy: 2 }, 7],
    ['a shift back', { shiftBy: -4 }, 1],
    ['a shift over the edge', { shiftBy: -40 }, 0],
  ] as const)('to %s', async (_what, target, to) => {
    const { core, topic } = await read()
    const planned = await resetOffsets(core, group, target, 'committed', { dryRun: true })
    expect(planned).toEqual([{ topic: 'news', partition: 0, from: 5, to }])
    expect(await committed(core, topic.id, 0)).toBe(5)
    expect(await resetOffsets(core, group, target, 'committed')).toEqual(planned)
    expect(await committed(core, topic.id, 0)).toBe(to)
  })

  it('to a time finds the first record at or after it, or the end', async () => {
    const { core, startMs } = await read()
    const to = async (timestampMs: number) =>
      (await resetOffsets(core, group, { timestampMs }, [{ topic: 'news', partitions: [0] }]))[0]?.to
    expect([await to(startMs - 1), await to(startMs + 2_001), await to(startMs + 60_000)]).toEqual([0, 3, 10])
  })

  it('of whole topics covers partitions where nothing is committed, which cannot be shifted', async () => {
    const { core, topic } = await read()
    const scope = [{ topic: 'news' }]
    expect(await errorOf(resetOffsets(core, group, { shiftBy: 1 }, scope))).toBe('INVALID_REQUEST')
    const reset = await resetOffsets(core, group, 'earliest', scope)
    expect(reset.map(({ partition, from, to }) => [partition, from, to])).toEqual([
      [0, 5, 0],
      [1, undefined, 0],
      [2, undefined, 0],
      [3, undefined, 0],
    ])
    expect(await committed(core, topic.id, 3)).toBe(0)
  })

  it('is refused while somebody is in the group, and for what there is not', async () => {
    const { core, topic, consumer, pass, during } = await stableGroup(1)
    await consumer.commit(topic.id, 0, 3)
    expect(await errorOf(resetOffsets(core, group, 'earliest', 'committed'))).toBe('NON_EMPTY_GROUP')
    expect(await committed(core, topic.id, 0)).toBe(3)
    await pass(sessionMs + 1)
    await during(resetOffsets(core, group, 'earliest', 'committed'))
    expect(await committed(core, topic.id, 0)).toBe(0)
    for (const scope of [[{ topic: 'never' }], [{ topic: 'news', partitions: [4] }]]) {
      expect(await errorOf(resetOffsets(core, group, 'latest', scope))).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    }
  })

  it('prepares the ground for a group that is still to come', async () => {
    const { core, topic } = await read()
    await resetOffsets(core, 'tomorrow', 'latest', [{ topic: 'news' }])
    expect((await groupOffsets(core, 'tomorrow')).map(({ offset }) => offset)).toEqual([10, 0, 0, 0])
    expect((await groupLags(core, 'tomorrow')).map(({ topic: name }) => name)).toEqual(Array(4).fill(topic.name))
  })
})
