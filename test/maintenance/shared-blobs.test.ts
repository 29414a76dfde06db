/** Rolling what many partitions share: requests that brokers flush together. */
import { expect, test } from 'vitest'
import { append } from '../../src/log/append.ts'
import { createTopic } from '../../src/log/topics.ts'
import { batchOf } from '../log/core.ts'
import { minuteMs, newMaintainedWorld } from './kit.ts'

const partitions = 16

test('of large blobs that many partitions share each roll reads little more than it rolls', async () => {
  const world = newMaintainedWorld({ cachesAppended: false })
  const topic = await world.during(
    createTopic(world.core, { name: 'orders', partitions, configs: { 'segment.ms': String(minuteMs) } }),
  )
  const value = 'x'.repeat(256 * 1024)
  for (let flush = 0; flush < 26; flush++) {
    const records = batchOf([value], world.core.clock.now())
    const all = Array.from({ length: partitions }, (_, partition) => ({ partition, records }))
    await world.during(append(world.core, topic, all))
    await world.pass(5)
  }
  await world.pass(3 * minuteMs)
  let read = 0
  const objects = world.core.objects.metered(({ call, bytes }) => {
    if (call === 'get') read += bytes
  })
  const { partitions: report } = await world.run({ ...world.core, objects })
  expect(report.rolledBytes).toBeGreaterThan(partitions * 15 * value.length)
  expect(read).toBeLessThan(1.5 * report.rolledBytes)
})
