import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { segmentKey } from '../../src/log/keys.ts'
import { listOffset } from '../../src/log/offsets.ts'
import { readFooter } from '../../src/log/segment-object.ts'
import { type Topic, topicNamed } from '../../src/log/topics.ts'
import { maintainPartitions } from '../../src/maintenance/partitions-task.ts'
import type { Core } from '../../src/runtime/core.ts'
import { openDisk } from '../../src/store/embedded/disk.ts'
import { set } from '../../src/store/items.ts'
import type { Stores } from '../../src/store/stores.ts'
import { coreOver, readAll, send, text } from '../log/core.ts'
import { entriesOf } from '../maintenance/log-kit.ts'
import { kept, madeMs } from './log-v1-segments.ts'

let folder: string
let stores: Stores
let core: Core
let topic: Topic

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-'))
  await cp(join(import.meta.dirname, '../fixtures/log-v1-segments'), folder, { recursive: true })
  stores = await openDisk(folder)
  core = coreOver(stores)
  topic = await topicNamed(core, 'kept')
})
afterEach(async () => {
  await stores.close()
  await rm(folder, { recursive: true })
})

test('a log with rolled segments is read whole, searched by time, and goes on', async () => {
  expect((await readAll(core, topic, 0)).map(text)).toEqual(kept)
  expect(await listOffset(core, topic, 0, { timestampMs: madeMs })).toMatchObject({ offset: 0 })
  expect(await send(core, topic, 0, ['more'])).toBe(kept.length)
})

test('what a segment of then was made of is known, and cleaned up after', async () => {
  const id = { topicId: topic.id, partition: 0 }
  const { segments } = await entriesOf(core, id)
  expect(segments).toMatchObject([{ base: 0, cleaned: true }, { cleaned: false }])
  const footers = await Promise.all(segments.map((segment) => readFooter(core, id, segment)))
  expect(footers).toMatchObject(segments.map(({ base, end }) => ({ base, end })))
  expect(await maintainPartitions(core, () => false)).toMatchObject({ failedPartitions: 0 })
  const after = await entriesOf(core, id)
  expect(after.segments.slice(0, segments.length).map(({ cleaned }) => cleaned)).toEqual([true, true])
  expect((await readAll(coreOver(stores), topic, 0)).map(text)).toEqual(kept)
})

test('a segment of a later format is refused by name', async () => {
  await stores.items.update(segmentKey({ topicId: topic.id, partition: 0 }, 0), { patches: [set('v', 3)] })
  await expect(readAll(core, topic, 0)).rejects.toThrow(
    /the index entry at .* has format 3, and this Millrace understands format 2/,
  )
})
