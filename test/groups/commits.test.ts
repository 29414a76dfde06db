import { expect, test } from 'vitest'
import { commitOffsets } from '../../src/groups/offsets.ts'
import { StoreError } from '../../src/store/errors.ts'
import { committed, errorOf, group, newConsumer, newsTopic, newWorld, sessionMs, settleAll } from './kit.ts'

async function oneMember() {
  const world = newWorld()
  const core = world.server()
  const topic = await newsTopic(core)
  const one = newConsumer(core)
  await world.during(one.settle())
  const offsetNow = () => committed(core, topic.id, 0)
  const fromOutside = (offset: number, by = core) =>
    commitOffsets(by, group, [{ topicId: topic.id, partition: 0, offset }])
  return { ...world, core, topic, one, offsetNow, fromOutside }
}

test('a member commits what it owns, and the next owner is told', async () => {
  const { core, topic, one, during } = await oneMember()
  await one.commit(topic.id, 0, 11)
  await during(one.leave())
  const two = newConsumer(core)
  await during(two.settle())
  expect(two.owned.find(({ partition }) => partition === 0)?.committed?.offset).toBe(11)
})

test('a commit from an old generation changes nothing and says so', async () => {
  const { core, topic, one, during, offsetNow } = await oneMember()
  await one.commit(topic.id, 0, 1)
  const old = one.who()
  await during(one.settle())
  const late = commitOffsets(core, group, [{ topicId: topic.id, partition: 0, offset: 9 }], old)
  expect(await errorOf(late)).toBe('ILLEGAL_GENERATION')
  expect(await offsetNow()).toBe(1)
})

test('a commit that passed its check before the others moved on meets the fence', async () => {
  const { core, server, stores, topic, one, during, offsetNow } = await oneMember()
  let isHeld = false
  const slow = server({
    ...stores.items,
    update: async (key, update) => {
      while (isHeld && key.pk.startsWith('offsets/')) await core.clock.sleep(100)
      return stores.items.update(key, update)
    },
  })
  const commit = (offset: number) =>
    commitOffsets(slow, group, [{ topicId: topic.id, partition: 0, offset }], one.who())
  await commit(1)
  isHeld = true
  const frozen = commit(9)
  const answer = errorOf(frozen)
  await during(one.settle())
  isHeld = false
  expect(await during(answer)).toBe('ILLEGAL_GENERATION')
  expect(await offsetNow()).toBe(1)
})

test('a commit that was taken, its answer lost and another owner’s after it, is unknown and not refused', async () => {
  const { server, stores, topic, one, during, offsetNow } = await oneMember()
  const before = one.who()
  let isLost = true
  const losing = server({
    ...stores.items,
    update: async (key, update) => {
      const written = await stores.items.update(key, update)
      if (!isLost || !key.pk.startsWith('offsets/')) return written
      isLost = false
      await one.settle()
      await one.commit(topic.id, 0, 12)
      throw new StoreError('unknown-outcome', 'connection reset')
    },
  })
  const lost = commitOffsets(losing, group, [{ topicId: topic.id, partition: 0, offset: 9 }], before)
  expect(await during(lost.catch((error: unknown) => error))).toMatchObject({ trouble: 'unknown-outcome' })
  expect(one.owned.find(({ partition }) => partition === 0)?.committed?.offset).toBe(9)
  expect(await offsetNow()).toBe(12)
})

test('a commit by a member that was removed changes nothing and says so', async () => {
  const { core, topic, one, during, pass, offsetNow } = await oneMember()
  await one.commit(topic.id, 0, 1)
  await pass(sessionMs + 1)
  await during(newConsumer(core).settle())
  expect(await errorOf(one.commit(topic.id, 0, 9))).toBe('UNKNOWN_MEMBER_ID')
  expect(await offsetNow()).toBe(1)
})

test('while a round is open, the members of the last generation still commit; while a plan is awaited, nobody does', async () => {
  const { core, topic, one, during, offsetNow } = await oneMember()
  const two = newConsumer(core)
  const joining = two.join()
  await during(core.clock.sleep(500))
  await one.commit(topic.id, 0, 3)
  expect(await offsetNow()).toBe(3)
  await during(Promise.all([one.join(), joining]))
  expect(await errorOf(one.commit(topic.id, 0, 4))).toBe('REBALANCE_IN_PROGRESS')
  expect(await offsetNow()).toBe(3)
})

test('a commit from outside into a group with members changes nothing and says so', async () => {
  const { server, topic, one, fromOutside, offsetNow } = await oneMember()
  await one.commit(topic.id, 0, 1)
  expect(await errorOf(fromOutside(9))).toBe('UNKNOWN_MEMBER_ID')
  expect(await errorOf(fromOutside(9, server()))).toBe('UNKNOWN_MEMBER_ID')
  expect(await offsetNow()).toBe(1)
})

test('into an empty group it is taken, before its first member and after its last', async () => {
  const world = newWorld()
  const [core, other] = [world.server(), world.server()]
  const topic = await newsTopic(core)
  const fromOutside = (offset: number) => commitOffsets(core, group, [{ topicId: topic.id, partition: 0, offset }])
  const offsetNow = () => committed(core, topic.id, 0)
  await fromOutside(5)
  const one = newConsumer(other)
  await world.during(one.settle())
  expect(one.owned[0]?.committed?.offset).toBe(5)
  // This process remembers an empty group; the fence tells it better.
  expect(await errorOf(fromOutside(6))).toBe('UNKNOWN_MEMBER_ID')
  expect(await offsetNow()).toBe(5)
  await world.during(one.leave())
  await fromOutside(7)
  expect(await offsetNow()).toBe(7)
})

test('of a group whose members are all dead it is taken', async () => {
  const { during, pass, fromOutside, offsetNow } = await oneMember()
  await pass(sessionMs + 1)
  await during(fromOutside(4))
  expect(await offsetNow()).toBe(4)
})

test('two members may commit to each other’s partitions within a generation, as in Kafka', async () => {
  const { core, topic, one, during, offsetNow } = await oneMember()
  const two = newConsumer(core)
  await during(settleAll([one, two]))
  await one.commit(topic.id, 0, 1)
  await two.commit(topic.id, 0, 2)
  expect(await offsetNow()).toBe(2)
})

test('a commit whose look at the group takes its time is not applied behind the one that came after it', async () => {
  const { core, server, stores, topic, one, during, offsetNow } = await oneMember()
  let isHeld = true
  const slow = server({
    ...stores.items,
    async batchGet(keys) {
      const found = await stores.items.batchGet(keys)
      const isFirst = isHeld
      isHeld = false
      if (isFirst) await core.clock.sleep(500)
      return found
    },
  })
  const commit = (offset: number) =>
    commitOffsets(slow, group, [{ topicId: topic.id, partition: 0, offset }], one.who())
  await during(Promise.all([commit(1), commit(2)]))
  expect(await offsetNow()).toBe(2)
})
