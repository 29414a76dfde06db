import { expect, test } from 'vitest'
import { createTopic } from '../../src/log/topics.ts'
import { maintainPartitions } from '../../src/maintenance/partitions-task.ts'
import { readAll, send, text } from '../log/core.ts'
import { dayMs, minuteMs, newMaintainedWorld } from './kit.ts'

const hourMs = 60 * minuteMs

test('a week without a run stops neither writers nor readers, and what was left is caught up with', async () => {
  const { core, server, pass, during } = newMaintainedWorld()
  const topic = await createTopic(core, {
    name: 'orders',
    configs: { 'retention.ms': String(3 * dayMs), 'segment.ms': String(hourMs) },
  })
  const values: string[] = []
  for (let hour = 0; hour < 7 * 24; hour++) {
    for (const size of [20, 500, 9_000]) {
      values.push(`${hour}`.padEnd(size, '.'))
      await send(core, topic, 0, values.slice(-1), core.clock.now())
    }
    await pass(hourMs)
  }
  expect((await readAll(server(), topic, 0)).map(text)).toEqual(values)
  let segments = 0
  // A run after the other, as the schedule has them, until there is nothing more to do.
  for (let idle = 0; idle < 3; ) {
    const report = await during(maintainPartitions(core, () => false))
    segments += report.segments
    idle = report.more || report.rolledBytes > 0 ? 0 : idle + 1
    expect(report.failedPartitions).toBe(0)
    await pass(11 * minuteMs)
  }
  expect(segments).toBeGreaterThan(0)
  const left = (await readAll(server(), topic, 0, values.length - 200)).map(text)
  expect(left).toEqual(values.slice(-200))
  await expect(readAll(server(), topic, 0)).rejects.toThrow('out of range')
})
