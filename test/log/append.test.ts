import { expect, test } from 'vitest'
import { append } from '../../src/log/append.ts'
import { inlineBytesMax, itemBytesMax } from '../../src/log/blob.ts'
import { partitionBounds } from '../../src/log/offsets.ts'
import { createTopic } from '../../src/log/topics.ts'
import { batchOf, failure, freshCore, only, readAll, send, text } from './core.ts'

test('records come back in order, at the offsets they were acknowledged at', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  expect(await send(core, topic, 0, ['a', 'b'])).toBe(0)
  expect(await send(core, topic, 0, ['c'])).toBe(2)
  const records = await readAll(core, topic, 0)
  expect(records.map(text)).toEqual(['a', 'b', 'c'])
  expect(records.map((record) => record.offset)).toEqual([0, 1, 2])
})

test.each([
  ['tiny', 10],
  ['as large as rides inside a ref', inlineBytesMax - 80],
  ['small', 1_000],
  ['as large as an item takes', itemBytesMax - 80],
  ['large', 100_000],
  ['a megabyte', 1_000_000],
])('a %s request is read back whole', async (_, size) => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  const value = 'x'.repeat(size)
  for (let count = 0; count < 40; count++) await send(core, topic, 0, [value])
  const records = await readAll(core, topic, 0)
  expect(records.map((record) => record.offset)).toEqual(Array.from({ length: 40 }, (_, at) => at))
  expect(new Set(records.map(text))).toEqual(new Set([value]))
})

test.each([0, 10, 60, 100])('appends of %d bytes: the head stays under 1 KB whatever their number', async (size) => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  let mostUnits = 0
  const items = core.items.metered((use) => {
    if (use.call === 'update') mostUnits = Math.max(mostUnits, use.writeUnits)
  })
  for (let count = 0; count < 600; count++) await send({ ...core, items }, topic, 0, ['x'.repeat(size)])
  expect(await partitionBounds(core, topic, 0)).toEqual({ earliest: 0, latest: 600 })
  // One unit is one begun KB.
  expect(mostUnits).toBe(size <= 100 ? 1 : 2)
})

test('partitions of one request share a blob and are answered one by one', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders', partitions: 3 })
  const outcomes = await append(core, topic, [
    { partition: 2, records: batchOf(['x'.repeat(50_000)]) },
    { partition: 7, records: batchOf(['nowhere']) },
    { partition: 0, records: batchOf(['y'.repeat(50_000), 'z']) },
  ])
  expect(outcomes.map((outcome) => outcome.partition)).toEqual([2, 7, 0])
  expect(outcomes.map(failure)).toEqual(['no error', 'UNKNOWN_TOPIC_OR_PARTITION', 'no error'])
  expect((await core.objects.list('blobs/', { limit: 10 })).length).toBe(1)
  expect((await readAll(core, topic, 2)).map(text)).toEqual(['x'.repeat(50_000)])
  expect((await readAll(core, topic, 0)).map(text)).toEqual(['y'.repeat(50_000), 'z'])
})

test('32 writers of one partition: every record once, where it was acknowledged, offsets dense', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  const acknowledged = new Map<number, string>()
  await Promise.all(
    Array.from({ length: 32 }, async (_, writer) => {
      for (let count = 0; count < 100; count++) {
        const value = `${writer}-${count}`
        acknowledged.set(await send(core, topic, 0, [value]), value)
      }
    }),
  )
  const records = await readAll(core, topic, 0)
  expect(records.map((record) => record.offset)).toEqual(Array.from({ length: 3_200 }, (_, at) => at))
  expect(records.map(text)).toEqual(records.map((record) => acknowledged.get(record.offset)))
})

test('bytes that are not a sound record batch are refused and nothing is appended', async () => {
  const core = freshCore()
  const topic = await createTopic(core, { name: 'orders' })
  const torn = batchOf(['a']).slice()
  torn.set([1], torn.length - 2)
  expect(failure(only(await append(core, topic, [{ partition: 0, records: torn }])))).toBe('CORRUPT_MESSAGE')
  expect(failure(only(await append(core, topic, [{ partition: 0, records: new Uint8Array() }])))).toBe('INVALID_RECORD')
  expect(await readAll(core, topic, 0)).toEqual([])
})
