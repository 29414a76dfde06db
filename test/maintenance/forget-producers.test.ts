import { expect, test } from 'vitest'
import { spilledProducersPk } from '../../src/log/keys.ts'
import { sendAs } from '../log/producer.ts'
import { dayMs, minuteMs } from './kit.ts'
import { newLogWorld } from './log-kit.ts'

test('an idempotent producer is remembered for a month after it was last heard of, and then forgotten', async () => {
  const world = await newLogWorld({ 'retention.ms': '-1', 'message.timestamp.after.max.ms': '9999999999999' })
  const { core, topic, id } = world
  const send = (producer: number, sequence: number) =>
    world.during(sendAs(core, topic, { producer, sequence, values: ['v'], timestampMs: core.clock.now() }))
  const states = async () => (await core.items.query({ pk: spilledProducersPk(id), limit: 100 })).map(({ sk }) => sk)
  await send(1, 0)
  await send(2, 0)
  await world.pass(11 * minuteMs)
  await world.fill(Array.from({ length: 30 }, () => 'other'))
  expect(await states()).toEqual(['1', '2'])
  await world.maintainAfter(20 * dayMs)
  expect(await send(2, 1)).toBe(32)
  await world.pass(11 * minuteMs)
  await world.fill(Array.from({ length: 30 }, () => 'other'))
  const report = await world.maintainAfter(11 * dayMs)
  expect(report.forgottenProducers).toBe(1)
  expect(await states()).toEqual(['2'])
  expect(await send(2, 2)).toBeGreaterThan(32)
  expect(await send(1, 1)).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(await send(1, 0)).toBeGreaterThan(32)
})
