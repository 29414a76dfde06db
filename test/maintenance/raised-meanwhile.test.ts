/** Configs that keep everything, acknowledged at any call of a run that goes by others. */
import { expect, test } from 'vitest'
import { alterTopicConfigs } from '../../src/log/alter-topic.ts'
import type { Core } from '../../src/runtime/core.ts'
import { readAll } from '../log/core.ts'
import { type KeyedWorld, newKeyedWorld } from './keyed-kit.ts'
import { minuteMs } from './kit.ts'
import { hourMs } from './log-kit.ts'

/** The offsets of all records, as a server reads them that knows nothing. */
async function offsetsIn(world: KeyedWorld): Promise<readonly number[]> {
  const { start } = await world.headOf()
  const records = await readAll(world.server(), world.topic, 0, start, 1_000_000)
  return records.map(({ offset }) => offset).filter((offset) => offset >= start)
}

/** A server before whose call of that number `first` happens. A transaction is asked for by what was read just before it. */
function interrupted(core: Core, number: number, first: () => Promise<void>): Core {
  let calls = 0
  const after = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (calls++ === number) await first()
      return call(...args)
    }
  }
  const { items, objects } = core
  return {
    ...core,
    items: {
      ...items,
      get: after(items.get),
      batchGet: after(items.batchGet),
      query: after(items.query),
      update: after(items.update),
      delete: after(items.delete),
    },
    objects: { ...objects, get: after(objects.get), put: after(objects.put), delete: after(objects.delete) },
  }
}

test.each(['delete', 'compact,delete'])('where records go by %s, what they keep stays', async (policy) => {
  for (let number = 0, isOver = false; !isOver; number++) {
    const world = await newKeyedWorld({ 'cleanup.policy': policy, 'retention.ms': String(hourMs) })
    for (const round of [0, 1]) {
      for (let at = 0; at < 40; at++) await world.put([[`key ${at % 7}`, `${round} ${at}`.padEnd(200, '.')]])
      if (round === 0) await world.pass(hourMs - 2 * minuteMs)
    }
    await world.pass(3 * minuteMs)
    let kept: readonly number[] | undefined
    const raise = async () => {
      await alterTopicConfigs(world.core, 'orders', { 'cleanup.policy': 'delete', 'retention.ms': '-1' })
      kept = await offsetsIn(world)
    }
    await world.run(interrupted(world.server(), number, raise))
    isOver = kept === undefined
    if (isOver) expect(number).toBeGreaterThan(20)
    else expect(await world.during(offsetsIn(world)), `after ${number} calls`).toEqual(kept)
    if (!isOver) await world.maintainAfter(2 * hourMs)
    if (!isOver) expect(await world.during(offsetsIn(world)), `after ${number} calls, later`).toEqual(kept)
  }
})

test('where the tail goes, too, what they keep stays', async () => {
  for (let number = 0, isOver = false; !isOver; number++) {
    const world = await newKeyedWorld({ 'cleanup.policy': 'delete', 'retention.ms': String(hourMs) })
    for (let at = 0; at < 3; at++) await world.put([[`key ${at}`, 'x']])
    await world.pass(2 * hourMs)
    let kept: readonly number[] | undefined
    const raise = async () => {
      await alterTopicConfigs(world.core, 'orders', { 'retention.ms': '-1' })
      kept = await offsetsIn(world)
    }
    await world.run(interrupted(world.server(), number, raise))
    isOver = kept === undefined
    if (!isOver) expect(await world.during(offsetsIn(world)), `after ${number} calls`).toEqual(kept)
  }
})
