/** Compaction of logs in which something is not as it should be. */
import { expect, test } from 'vitest'
import { alterTopicConfigs } from '../../src/log/alter-topic.ts'
import { deleteRecords } from '../../src/log/delete-records.ts'
import { indexPk } from '../../src/log/keys.ts'
import { type Keyed, type KeyedWorld, keyOf, newKeyedWorld, shown } from './keyed-kit.ts'
import { dayMs, minuteMs } from './kit.ts'
import { hourMs } from './log-kit.ts'

/** Rolled into one segment and too young to be compacted; with the chunks that it was made of. */
async function rolledOnly(rounds: readonly (readonly Keyed[])[], configs: Record<string, string> = {}) {
  const world = await newKeyedWorld({ 'min.compaction.lag.ms': String(7 * dayMs), ...configs })
  for (const records of rounds) await world.put(records)
  await world.settle()
  const pk = indexPk(world.id)
  const chunks = await world.core.items.query({ pk, limit: 1_000 })
  await world.maintainAfter(3 * minuteMs)
  expect((await world.entries()).segments).toHaveLength(1)
  return { ...world, chunks }
}

/** As a spiller does that slept while they were rolled. */
async function bringBack({ core, id }: KeyedWorld, rows: Awaited<ReturnType<typeof rolledOnly>>['chunks']) {
  for (const { sk, item } of rows) {
    const patches = Object.entries(item).map(([name, to]) => ({ set: name, to }))
    await core.items.update({ pk: indexPk(id), sk }, { patches })
  }
}

test('a chunk that a sleeper brought back where the log begins does not keep a pass from what follows', async () => {
  const policy = { 'cleanup.policy': 'compact,delete', 'retention.ms': '-1', 'delete.retention.ms': '0' }
  const rounds = Array.from({ length: 60 }, (_, at): Keyed[] => [
    ['alive', `${at}`],
    ['dead', at < 50 ? `${at}` : null],
  ])
  const world = await rolledOnly(rounds, policy)
  const [second] = world.chunks.slice(1)
  const begin = Number.parseInt(second?.sk ?? '', 10) + 1
  await world.maintainAfter(11 * minuteMs)
  await world.during(deleteRecords(world.core, world.topic, 0, begin))
  await bringBack(world, second ? [second] : [])
  await world.during(alterTopicConfigs(world.core, 'orders', { 'min.compaction.lag.ms': '0' }))
  for (let run = 0; run < 5; run++) await world.maintainAfter(hourMs)
  const left = await world.readAnew(undefined, begin)
  expect(left.filter((one) => keyOf(one) === 'alive').map(shown)).toEqual(['118 alive=59'])
  expect(left.filter((one) => keyOf(one) === 'dead').map(shown)).toEqual([])
})
