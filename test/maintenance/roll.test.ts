import { expect, test } from 'vitest'
import { text } from '../log/core.ts'
import { minuteMs } from './kit.ts'
import { hourMs, mixedValues, newLogWorld } from './log-kit.ts'

const everHour = { 'segment.ms': String(hourMs) }

test('chunks older than segment.ms become one segment, and every record is where it was', async () => {
  const world = await newLogWorld(everHour)
  const values = mixedValues(200)
  await world.fill(values)
  const before = await world.readAnew()
  expect((await world.maintainAfter(5 * minuteMs)).segments).toBe(0)
  const report = await world.maintainAfter(hourMs)
  expect(report).toMatchObject({ segments: 1, failedPartitions: 0 })
  const { chunks, segments } = await world.entries()
  expect(chunks).toEqual([])
  expect(segments).toMatchObject([{ base: 0, cleaned: false }])
  for (const maxBytes of [0, 5_000, 1_000_000]) expect(await world.readAnew(maxBytes)).toEqual(before)
  expect(before.map(text)).toEqual(values)
})
