import { describe, expect, it } from 'vitest'
import { deleteGroup } from '../../src/groups/admin.ts'
import { describeGroup, listGroups } from '../../src/groups/describe.ts'
import { commitOffsets } from '../../src/groups/offsets.ts'
import { consumerKey, groupPk, offsetKey, offsetsPk } from '../../src/log/keys.ts'
import { createTopic, deleteTopic } from '../../src/log/topics.ts'
import { maintain } from '../../src/maintenance/maintain.ts'
import type { Core } from '../../src/runtime/core.ts'
import { set } from '../../src/store/items.ts'
import type { StoreUse } from '../../src/store/meter.ts'
import { committed, errorOf, group, newConsumer, newsTopic, sessionMs, settleAll } from '../groups/kit.ts'
import { serverOver, v2 } from '../http/kit.ts'
import { dayMs, minuteMs, newMaintainedWorld, rowsOf } from './kit.ts'

/** Members over `news`, each with something committed. */
async function groupWithMembers(members = 2) {
  const world = newMaintainedWorld()
  const topic = await newsTopic(world.core)
  const consumers = Array.from({ length: members }, () => newConsumer(world.core))
  await world.during(settleAll(consumers))
  for (const consumer of consumers) {
    const partition = Number(consumer.assigned.split(' ')[0]?.split('/')[1])
    await consumer.commit(topic.id, partition, 5)
  }
  return { ...world, topic, consumers }
}

async function simpleGroup() {
  const world = newMaintainedWorld()
  const topic = await newsTopic(world.core)
  await commitOffsets(world.core, group, [{ topicId: topic.id, partition: 0, offset: 5 }])
  return { ...world, topic }
}

describe('members', () => {
  it('that all died are removed, and the group becomes empty', async () => {
    const { core, runAfter, consumers, topic } = await groupWithMembers(3)
    expect(await runAfter(sessionMs + 1)).toMatchObject({ groupsLooked: 1, removedMembers: 3, failedGroups: 0 })
    expect(await describeGroup(core, group)).toMatchObject({ state: 'Empty', members: [] })
    expect(await committed(core, topic.id, 0)).toBe(5)
    for (const consumer of consumers) expect(await errorOf(consumer.heartbeat())).toBe('UNKNOWN_MEMBER_ID')
  })

  it('that live are left alone', async () => {
    const { core, runAfter, consumers } = await groupWithMembers()
    expect(await runAfter(sessionMs - 1)).toMatchObject({ groupsLooked: 1, removedMembers: 0 })
    for (const consumer of consumers) expect(await errorOf(consumer.heartbeat())).toBe('none')
    expect(await describeGroup(core, group)).toMatchObject({ state: 'Stable' })
  })

  it('that come back to life between the look and the removal stay', async () => {
    const { core, stores, during, pass, consumers, server } = await groupWithMembers(1)
    const [consumer] = consumers
    await pass(sessionMs + 1)
    // Its heartbeat comes in the moment in which the first removal is on its way.
    let beaten: Promise<void> | undefined
    const items: Core['items'] = {
      ...stores.items,
      async delete(key, condition) {
        if (key.pk === groupPk(group)) beaten ??= consumer?.heartbeat()
        await beaten
        return stores.items.delete(key, condition)
      },
    }
    const { groups } = await during(maintain(server({ ...items, metered: () => items }), { budgetMs: minuteMs }))
    expect(groups.removedMembers).toBe(0)
    expect(beaten).toBeDefined()
    expect(await describeGroup(core, group)).toMatchObject({ state: 'Stable' })
    expect(await errorOf(consumer?.heartbeat() ?? Promise.resolve())).toBe('none')
  })
})

describe('offsets', () => {
  it('outlive the last member by the retention, and not longer', async () => {
    const { core, consumers, runAfter, topic, during } = await groupWithMembers(1)
    expect((await runAfter(8 * dayMs)).expiredOffsets).toBe(0)
    await during(Promise.all(consumers.map((consumer) => consumer.leave())))
    expect((await runAfter(7 * dayMs - minuteMs)).expiredOffsets).toBe(0)
    expect(await committed(core, topic.id, 0)).toBe(5)
    expect((await runAfter(20 * minuteMs)).expiredOffsets).toBe(1)
    expect(await committed(core, topic.id, 0)).toBeUndefined()
  })

  it('of a group whose members live are kept, however old', async () => {
    const { core, consumers, pass, run, topic } = await groupWithMembers(1)
    for (let beat = 0; beat < 20; beat++) {
      await pass(sessionMs / 2)
      for (const consumer of consumers) await consumer.heartbeat()
    }
    await core.items.update(offsetKey(group, topic.id, 0), { patches: [set('committedMs', 1)] })
    expect((await run()).groups).toMatchObject({ expiredOffsets: 0, groupsLooked: 1 })
    expect(await committed(core, topic.id, 0)).toBe(5)
  })

  it('of simple consumers live from commit to commit', async () => {
    const { core, runAfter, topic } = await simpleGroup()
    await runAfter(6 * dayMs)
    await commitOffsets(core, group, [{ topicId: topic.id, partition: 0, offset: 6 }])
    expect((await runAfter(6 * dayMs)).expiredOffsets).toBe(0)
    expect((await runAfter(dayMs + minuteMs)).expiredOffsets).toBe(1)
    expect(await committed(core, topic.id, 0)).toBeUndefined()
  })

  it('live as long as the setting says', async () => {
    const { core, runAfter, topic, ...world } = newMaintainedWorldWith({ offsetsRetentionMinutes: 30 })
    void world
    const { id } = await topic
    await commitOffsets(core, group, [{ topicId: id, partition: 0, offset: 6 }])
    expect((await runAfter(29 * minuteMs)).expiredOffsets).toBe(0)
    expect((await runAfter(11 * minuteMs)).expiredOffsets).toBe(1)
  })

  it('committed while their time runs out are not removed', async () => {
    const { core, stores, server, topic, pass, during } = await simpleGroup()
    await pass(8 * dayMs)
    let sent = false
    const items: Core['items'] = {
      ...stores.items,
      async delete(key, condition) {
        if (key.pk === offsetsPk(group) && !sent) {
          sent = true
          await commitOffsets(core, group, [{ topicId: topic.id, partition: 0, offset: 6 }])
        }
        return stores.items.delete(key, condition)
      },
    }
    const { groups } = await during(maintain(server({ ...items, metered: () => items }), { budgetMs: minuteMs }))
    expect([sent, groups.expiredOffsets]).toEqual([true, 0])
    expect(await committed(core, topic.id, 0)).toBe(6)
  })

  it('of deleted topics go, those of topics that were made meanwhile stay', async () => {
    const { core, runAfter, topic } = await simpleGroup()
    await deleteTopic(core, 'news')
    const next = await newsTopic(core)
    const other = await createTopic(core, { name: 'other' })
    for (const { id } of [next, other]) await commitOffsets(core, group, [{ topicId: id, partition: 0, offset: 1 }])
    expect((await runAfter(0)).expiredOffsets).toBe(1)
    const left = await rowsOf(core, offsetsPk(group))
    expect(left.sort()).toEqual([next.id, other.id].map((id) => `${offsetsPk(group)} ${id}/0`).sort())
    expect(left.join()).not.toContain(topic.id)
  })
})

function newMaintainedWorldWith(settings: Parameters<typeof newMaintainedWorld>[0]) {
  const world = newMaintainedWorld(settings)
  return { ...world, topic: newsTopic(world.core) }
}

describe('what is left of a group', () => {
  it('goes a day after it was deleted, tombstones, generation and name', async () => {
    const { core, consumers, during, runAfter } = await groupWithMembers(2)
    await during(Promise.all(consumers.map((consumer) => consumer.leave())))
    await during(deleteGroup(core, group))
    await runAfter(dayMs - minuteMs)
    expect(await rowsOf(core, offsetsPk(group))).toHaveLength(4)
    expect((await runAfter(20 * minuteMs)).removedGroups).toBe(1)
    const shards = Array.from({ length: 16 }, (_, shard) => `groups/${shard.toString(16)}`)
    expect(await rowsOf(core, offsetsPk(group), groupPk(group), ...shards)).toEqual([])
  })

  it('goes when its last offset has expired, and it may come again', async () => {
    const { core, server, consumers, during, runAfter, topic } = await groupWithMembers(1)
    await during(Promise.all(consumers.map((consumer) => consumer.leave())))
    await runAfter(8 * dayMs)
    expect(await listGroups(core)).toEqual([])
    await commitOffsets(server(), group, [{ topicId: topic.id, partition: 0, offset: 1 }])
    expect(await listGroups(core)).toMatchObject([{ group, state: 'Empty' }])
    const next = newConsumer(core)
    await during(next.settle())
    await next.commit(topic.id, 0, 2)
    expect(await committed(core, topic.id, 0)).toBe(2)
    expect(await errorOf(commitOffsets(server(), group, [{ topicId: topic.id, partition: 0, offset: 9 }]))).toBe(
      'UNKNOWN_MEMBER_ID',
    )
  })

  it('keeps its name for as long as a server may go by having seen it', async () => {
    const { core, run, pass, topic, during } = await simpleGroup()
    await during(deleteGroup(core, group))
    await pass(2 * dayMs)
    // This server has seen the name a moment ago, and what it committed then is gone with its topic.
    const short = await createTopic(core, { name: 'short' })
    await commitOffsets(core, group, [{ topicId: short.id, partition: 0, offset: 1 }])
    await deleteTopic(core, 'short')
    expect((await run()).groups).toMatchObject({ groupsLooked: 1, removedGroups: 0 })
    expect(await rowsOf(core, offsetsPk(group))).toEqual([])
    await commitOffsets(core, group, [{ topicId: topic.id, partition: 1, offset: 1 }])
    expect(await listGroups(core)).toMatchObject([{ group }])
  })
})

describe('REST instances', () => {
  it('that nobody uses are removed, of groups that never committed too, and then their group’s name', async () => {
    const world = newMaintainedWorld()
    const { core, clock, runAfter } = world
    const server = serverOver(core)
    const made = await server.call('POST', '/consumers/idle', { body: { name: 'mine' }, type: v2 })
    expect(made.status).toBe(200)
    expect(await runAfter(4 * minuteMs)).toMatchObject({ groupsLooked: 1, removedInstances: 0 })
    await core.items.update(consumerKey('idle', 'mine'), {
      patches: [set('usedMs', clock.now() + dayMs), set('goneMs', clock.now() + dayMs + 5 * minuteMs)],
    })
    expect(await runAfter(dayMs)).toMatchObject({ removedInstances: 0, removedGroups: 0 })
    expect(await runAfter(11 * minuteMs)).toMatchObject({ removedInstances: 1, removedGroups: 1 })
    expect(await rowsOf(core, 'consumer/idle')).toEqual([])
  })
})

describe('a run', () => {
  const metered = (core: Core) => {
    const calls: StoreUse[] = []
    return { calls, core: { ...core, items: core.items.metered((use) => calls.push(use)) } }
  }

  it('between two passes costs a read for whose turn it is, and one or two for each task', async () => {
    const { core, run, runAfter } = await simpleGroup()
    await run()
    const { calls, core: watched } = metered(core)
    await run(watched)
    expect(calls.map(({ call }) => call)).toEqual(['query', 'query', 'get', 'get', 'query', 'get'])
    expect((await runAfter(10 * minuteMs)).groupsLooked).toBe(1)
  })

  it('over nothing reads jobs and names, and writes where it is', async () => {
    const { core, run } = newMaintainedWorld()
    const { calls, core: watched } = metered(core)
    await run(watched)
    const count = (kind: string) => calls.filter(({ call }) => call === kind).length
    expect([count('query'), count('get'), count('update'), calls.length]).toEqual([21, 3, 3, 27])
  })

  it('that runs out of time says how far behind it is, and the next goes on where it stopped', async () => {
    const { core, run, pass, during } = newMaintainedWorld()
    const { id } = await newsTopic(core)
    const names = Array.from({ length: 40 }, (_, at) => `g${at}`)
    for (const name of names) await commitOffsets(core, name, [{ topicId: id, partition: 0, offset: 1 }])
    await run()
    await pass(30 * minuteMs)
    let runs = 0
    for (let behindMs = 1; behindMs > 0; runs++) {
      // Time is up after a while, by the number of looks at the clock.
      let looks = 0
      const hurried = { ...core, clock: { ...core.clock, uptime: () => (looks++ > 60 ? Number.MAX_SAFE_INTEGER : 0) } }
      const { groups } = await during(maintain(hurried, { budgetMs: minuteMs }))
      expect(groups.groupsLooked).toBeGreaterThan(0)
      expect(groups.groupsLooked).toBeLessThan(names.length)
      behindMs = groups.backlogMs
      expect([0, 30 * minuteMs]).toContain(behindMs)
    }
    expect(runs).toBeGreaterThan(2)
  })

  it('beside another, at the same time, does no harm', async () => {
    const { core, server, during, pass, consumers } = await groupWithMembers(3)
    await pass(sessionMs + 1)
    const both = await during(Promise.all([core, server()].map((each) => maintain(each, { budgetMs: minuteMs }))))
    expect(both.map(({ groups }) => groups.failedGroups)).toEqual([0, 0])
    expect(await describeGroup(core, group)).toMatchObject({ state: 'Empty' })
    await pass(9 * dayMs)
    await during(Promise.all([core, server()].map((each) => maintain(each, { budgetMs: minuteMs }))))
    expect(await listGroups(core)).toEqual([])
    expect(consumers).toHaveLength(3)
  })

  it('goes on behind a group that it cannot read, and says so', async () => {
    const { core, run } = newMaintainedWorld()
    const { id } = await newsTopic(core)
    for (const name of ['a', 'b', 'c']) await commitOffsets(core, name, [{ topicId: id, partition: 0, offset: 1 }])
    await core.items.update(offsetKey('b', id, 0), { patches: [set('v', 2)] })
    const { groups } = await run()
    expect(groups).toMatchObject({ groupsLooked: 2, failedGroups: 1 })
    expect(String(groups.error)).toContain('committed offset')
  })

  it('of a cursor that a newer Millrace wrote refuses', async () => {
    const { core, run } = newMaintainedWorld()
    await run()
    await core.items.update({ pk: 'maintenance', sk: 'groups' }, { patches: [set('v', 2)] })
    await expect(run()).rejects.toThrow('maintenance cursor')
  })
})
