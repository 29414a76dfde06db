/** Retention's one update of the head, where the network delays or doubles it, or something else comes first. */
import { expect, test } from 'vitest'
import { alterTopicConfigs } from '../../src/log/alter-topic.ts'
import { readHead } from '../../src/log/head.ts'
import { headKey } from '../../src/log/keys.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { ItemStore, Update } from '../../src/store/items.ts'
import { verify } from '../../src/verify/verify.ts'
import { text } from '../log/core.ts'
import { dayMs, minuteMs } from './kit.ts'
import { type LogWorld, mixedValues, newLogWorld } from './log-kit.ts'

const keep = (ms: number, more: Record<string, string> = {}) => ({ 'retention.ms': String(ms), ...more })
const values = (prefix: string, count: number) => mixedValues(count).map((value) => prefix + value)
const isRetiring = ({ patches }: Update) => patches.some((patch) => 'set' in patch && patch.set === 'k')

async function headOf({ core, id }: LogWorld) {
  const item = await core.items.get(headKey(id))
  if (!item) throw new Error('no head')
  return readHead(id, item)
}

async function contradictionsIn({ core, during }: LogWorld): Promise<readonly string[]> {
  const lines: string[] = []
  await during(verify(core, { found: (line) => lines.push(line) }))
  return lines
}

test('a step of the head that is answered late, or comes twice, takes the bytes off once', async () => {
  const world = await newLogWorld(keep(dayMs))
  await world.fill(values('old', 200))
  await world.pass(dayMs / 2)
  await world.fill(values('young', 100))
  await world.pass(dayMs / 2 + minuteMs)
  const late: (() => Promise<unknown>)[] = []
  const network: ItemStore = {
    ...world.stores.items,
    update: async (key, update) => {
      if (isRetiring(update)) late.push(() => world.stores.items.update(key, update))
      const written = await world.stores.items.update(key, update)
      if (isRetiring(update)) throw new StoreError('unknown-outcome', 'connection reset')
      return written
    },
    metered: () => network,
  }
  await world.run(world.server(network)).catch(() => {})
  expect(late).toHaveLength(1)
  for (const copy of late) await copy()
  await world.maintainAfter(minuteMs)
  for (const copy of late) await copy()
  expect((await headOf(world)).start).toBeGreaterThan(180)
  expect(await contradictionsIn(world)).toEqual([])
})

test('a roll goes by a move of the start that was refused because an earlier copy of it had been taken', async () => {
  const world = await newLogWorld(keep(dayMs, { 'segment.ms': String(dayMs / 2) }))
  await world.fill(values('old', 60))
  await world.pass(dayMs / 2)
  await world.fill(values('young', 60))
  await world.pass(dayMs / 2 + minuteMs)
  const items: ItemStore = {
    ...world.core.items,
    async update(key, update) {
      if (isRetiring(update)) await world.core.items.update(key, update)
      return world.core.items.update(key, update)
    },
    metered: () => items,
  }
  expect((await world.maintainAfter(0, { ...world.core, items })).segments).toBe(1)
  expect((await headOf(world)).retired).toBeGreaterThan(0)
  expect(await contradictionsIn(world)).toEqual([])
})

test('a step of the head that comes when a later run has rolled what it takes off takes nothing off', async () => {
  const world = await newLogWorld(keep(dayMs, { 'segment.ms': String(dayMs / 2) }))
  await world.fill(values('old', 60))
  await world.pass(dayMs / 2)
  await world.fill(values('young', 60))
  const late: (() => Promise<unknown>)[] = []
  const network: ItemStore = {
    ...world.stores.items,
    update: async (key, update) => {
      if (!isRetiring(update)) return world.stores.items.update(key, update)
      late.push(() => world.stores.items.update(key, update))
      throw new StoreError('unknown-outcome', 'connection reset')
    },
    metered: () => network,
  }
  // Its clock runs ahead: those that come after it take nothing for over yet, and roll.
  const ahead = world.server(network)
  const clock = { ...ahead.clock, now: () => ahead.clock.now() + dayMs / 2 }
  await world.run({ ...ahead, clock }).catch(() => {})
  expect(late).toHaveLength(1)
  await world.pass(dayMs / 4)
  expect((await world.maintainAfter(minuteMs)).segments).toBe(1)
  for (const copy of late) await copy()
  expect(await contradictionsIn(world)).toEqual([])
  for (let run = 0; run < 5; run++) await world.maintainAfter(dayMs)
  expect(await headOf(world)).toMatchObject({ start: 120, bytes: 0 })
})

test('what a longer retention keeps stays, also where it is acknowledged while the tail is on its way into the index', async () => {
  const world = await newLogWorld(keep(dayMs))
  await world.fill(['one', 'two', 'three'])
  await world.pass(dayMs + minuteMs)
  let isLonger = false
  const items: ItemStore = {
    ...world.stores.items,
    async update(key, update) {
      if (!isLonger && update.patches.some((patch) => 'dropFirst' in patch)) {
        isLonger = true
        await alterTopicConfigs(world.core, 'orders', keep(30 * dayMs))
      }
      return world.stores.items.update(key, update)
    },
    metered: () => items,
  }
  await world.run(world.server(items))
  expect(isLonger).toBe(true)
  await world.maintainAfter(minuteMs)
  expect((await world.readAnew()).map(text)).toEqual(['one', 'two', 'three'])
})
