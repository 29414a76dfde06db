/** What compaction has freed and not taken off the head's count yet, for whoever did it died. */
import { expect, test } from 'vitest'
import { alterTopicConfigs } from '../../src/log/alter-topic.ts'
import { headKey } from '../../src/log/keys.ts'
import { readCompaction } from '../../src/maintenance/compaction-state.ts'
import { StoreError } from '../../src/store/errors.ts'
import { add, type ItemStore } from '../../src/store/items.ts'
import { verify } from '../../src/verify/verify.ts'
import { type KeyedWorld, newKeyedWorld } from './keyed-kit.ts'
import { dayMs, minuteMs } from './kit.ts'

/** A compacted log of which a pass has swapped a segment in, and died before the head was told. */
async function owingWorld() {
  const world = await newKeyedWorld()
  for (let at = 0; at < 60; at++) await world.put([['busy', `${at}`.padEnd(200, '.')]])
  await world.settle()
  let isDead = false
  const dying: ItemStore = {
    ...world.stores.items,
    async update(key, update) {
      if (isDead && key.pk === headKey(world.id).pk) throw new StoreError('unavailable', 'the process is dead')
      return world.stores.items.update(key, update)
    },
    async transact(actions) {
      isDead ||= actions.some((action) => 'update' in action && action.update.pk.startsWith('compaction/'))
      return world.stores.items.transact(actions)
    },
    metered: () => dying,
  }
  await world.pass(3 * minuteMs)
  await world.run(world.server(dying)).catch(() => {})
  const { debt } = await readCompaction(world.core, world.id)
  expect(debt.bytes).toBeGreaterThan(10_000)
  expect((await world.headOf()).bytes).toBe((await world.bytesHeld()) + debt.bytes)
  return world
}

async function contradictionsIn({ core, during }: KeyedWorld): Promise<readonly string[]> {
  const lines: string[] = []
  await during(verify(core, { found: (line) => lines.push(line) }))
  return lines
}

test('what is owed is no contradiction, and bytes beside it are', async () => {
  const world = await owingWorld()
  expect(await contradictionsIn(world)).toEqual([])
  await world.core.items.update(headKey(world.id), { patches: [add('b', 10)] })
  expect(await contradictionsIn(world)).toEqual([expect.stringMatching(/the head counts \d+ bytes, and its entries/)])
})

test('it is taken off also where the topic is not compacted any more, so that retention.bytes keeps what it says', async () => {
  const world = await owingWorld()
  await world.during(alterTopicConfigs(world.core, 'orders', { 'cleanup.policy': 'delete' }))
  for (let run = 0; run < 3; run++) await world.maintainAfter(minuteMs)
  expect((await world.headOf()).bytes).toBe(await world.bytesHeld())
  expect(await contradictionsIn(world)).toEqual([])
  await world.maintainAfter(8 * dayMs)
  for (let run = 0; run < 3; run++) await world.maintainAfter(dayMs)
  expect(await world.headOf()).toMatchObject({ bytes: 0 })
})
