import { expect, test } from 'vitest'
import { readView } from '../../src/cluster/view.ts'
import { clusterId } from '../../src/log/cluster.ts'
import { clusterKey, clustersPrefix, clusterViewKey, headKey, producerIdsKey } from '../../src/log/keys.ts'
import { producerIds } from '../../src/log/producer-ids.ts'
import { topicNamed } from '../../src/log/topics.ts'
import { restore } from '../../src/maintenance/restore.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import type { Item, Key } from '../../src/store/items.ts'
import { set } from '../../src/store/items.ts'
import { verify } from '../../src/verify/verify.ts'
import { leaseMs, newCluster } from '../cluster/member-kit.ts'
import { readAll, send, text } from '../log/core.ts'
import { dayMs, minuteMs } from './kit.ts'
import { hourMs, mixedValues, newLogWorld } from './log-kit.ts'

/** Every key that is ever written, so that a copy of the table can be made at any time. */
function watched(items: Core['items'], keys: Map<string, Key>): Core['items'] {
  const note = (key: Key) => keys.set(`${key.pk} ${key.sk}`, key)
  const self: Core['items'] = {
    ...items,
    update: (key, update) => {
      note(key)
      return items.update(key, update)
    },
    transact: (actions) => {
      for (const action of actions) if ('update' in action) note(action.update)
      return items.transact(actions)
    },
    metered: () => self,
  }
  return self
}

test('a table restored to an earlier time, with the objects deleted since, is whole, and a cluster of its own', async () => {
  const world = await newLogWorld({ 'segment.ms': String(hourMs), 'retention.ms': '-1' })
  const keys = new Map<string, Key>(
    [headKey(world.id), clusterKey, producerIdsKey, clusterViewKey, { pk: 'topics', sk: 'orders' }].map((key) => [
      `${key.pk} ${key.sk}`,
      key,
    ]),
  )
  const core = { ...world.core, items: watched(world.core.items, keys) }
  const values = mixedValues(120)
  await world.fill(values, 0, core)
  const before = await clusterId(core)
  const given = await producerIds(core).next()

  // The point in time, and what the bucket still has versions of.
  const copied: [Key, Item][] = []
  for (const key of keys.values()) {
    const item = await core.items.get(key)
    if (item) copied.push([key, item])
  }
  const objects = new Map<string, Uint8Array>()
  for (const { key } of await core.objects.list('', { limit: 10_000 })) {
    const bytes = await core.objects.get(key)
    if (bytes) objects.set(key, bytes)
  }
  await world.fill(mixedValues(60), 0, core)
  await world.maintainAfter(2 * hourMs, core)
  await world.maintainAfter(11 * minuteMs, core)

  const items = memoryStores(core.clock.now).items
  for (const [key, item] of copied) {
    await items.update(key, { patches: Object.entries(item).map(([name, to]) => set(name, to)) })
  }
  const restored: Core = { ...world.server(), items }
  const look = async () => {
    const lines: string[] = []
    const { missingObjects } = await world.during(verify(restored, { deep: true, found: (line) => lines.push(line) }))
    return { lines, missingObjects }
  }
  const { missingObjects } = await look()
  expect(missingObjects.length).toBeGreaterThan(0)
  for (const key of missingObjects) await core.objects.put(key, [objects.get(key) ?? new Uint8Array()])
  expect((await look()).lines).toEqual([])

  const done = await restore(restored)
  expect(done).toMatchObject({ topics: 1, partitions: 1 })
  expect(done.clusterId).not.toBe(before)
  const marks = await core.objects.list(clustersPrefix, { limit: 10 })
  expect(marks.map(({ key }) => key)).toEqual([`${clustersPrefix}${done.clusterId}`])
  const topic = await topicNamed(restored, 'orders')
  expect((await world.during(readAll(restored, topic, 0))).map(text)).toEqual(values)
  expect(await producerIds(restored).next()).toBeGreaterThan(given + 1_000_000)
  const head = await items.get(headKey(world.id))
  expect(Number(head?.e)).toBeGreaterThanOrEqual(1_000_000)
  expect(Number((await items.get(clusterViewKey))?.epoch)).toBeGreaterThanOrEqual(Number(head?.e))

  // Life goes on, and what the first table named after that time is swept.
  await world.during(send(restored, topic, 0, ['anew'], restored.clock.now()))
  await world.pass(3 * hourMs)
  await world.during(send(restored, topic, 0, ['later'], restored.clock.now()))
  await world.pass(2 * dayMs)
  const { sweep } = await world.run(restored)
  expect(sweep.error).toBeUndefined()
  expect((await look()).lines).toEqual([])
  expect((await world.during(readAll(restored, topic, 0))).map(text)).toEqual([...values, 'anew', 'later'])
})

test('a table that brokers are at work on is left as it is', async () => {
  const { joinedBroker, broker, during, pass } = newCluster()
  const alive = await joinedBroker()
  await pass(leaseMs)
  const { core } = broker()
  const { epoch } = alive.member.view()
  await expect(during(restore(core))).rejects.toThrow('stop the brokers of this table first (node ids 1)')
  expect((await readView(core)).epoch).toBe(epoch)
  alive.die()
  await pass(leaseMs)
  await during(restore(core))
  expect((await readView(core)).epoch).toBeGreaterThan(epoch)
})
