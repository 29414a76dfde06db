import { expect, test } from 'vitest'
import { listOffset, partitionBounds } from '../../src/log/offsets.ts'
import { createTopic } from '../../src/log/topics.ts'
import { freshCore, send } from './core.ts'

const day = 86_400_000
const start = Date.UTC(2026, 0, 1)
const configs = { 'message.timestamp.after.max.ms': '9223372036854775807' }

test('earliest and latest are the log’s start and end', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  expect(await partitionBounds(core, topic, 0)).toEqual({ earliest: 0, latest: 0 })
  await send(core, topic, 0, ['a', 'b', 'c'])
  expect(await listOffset(core, topic, 0, 'earliest')).toEqual({ offset: 0, timestampMs: -1 })
  expect(await listOffset(core, topic, 0, 'latest')).toEqual({ offset: 3, timestampMs: -1 })
  await expect(listOffset(core, topic, 5, 'latest')).rejects.toMatchObject({ error: 'UNKNOWN_TOPIC_OR_PARTITION' })
})

test.each([
  ['regular', (at: number) => start + at * day],
  ['bursty', (at: number) => start + Math.floor(at / 50) * 50 * day],
  ['out of order', (at: number) => start + (at % 7 === 3 ? at - 20 : at) * day],
  ['all but one at the same time', (at: number) => (at < 199 ? start : start + day)],
])('by time, in a log whose timestamps are %s, it is the first record at or after it', async (_, timestamp) => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders', configs })
  const timestamps = Array.from({ length: 200 }, (_, at) => timestamp(at))
  for (const [at, ms] of timestamps.entries()) await send(core, topic, 0, [String(at), 'same batch'], ms)
  for (const timestampMs of [0, start, start + 10 * day, start + 77 * day - 1, start + 199 * day, start + 500 * day]) {
    const at = timestamps.findIndex((ms) => ms >= timestampMs)
    const expected = at < 0 ? { offset: -1, timestampMs: -1 } : { offset: at * 2, timestampMs: timestamps[at] }
    expect(await listOffset(core, topic, 0, { timestampMs })).toEqual(expected)
  }
})
