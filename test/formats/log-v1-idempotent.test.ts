import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { headKey, spilledProducerKey } from '../../src/log/keys.ts'
import { unpackRef } from '../../src/log/ref.ts'
import { type Topic, topicNamed } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { openDisk } from '../../src/store/embedded/disk.ts'
import { set } from '../../src/store/items.ts'
import type { Stores } from '../../src/store/stores.ts'
import { coreOver, readAll, text } from '../log/core.ts'
import { sendAs } from '../log/producer.ts'
import { batches, ofNobody } from './log-v1-idempotent.ts'

let folder: string
let stores: Stores
let core: Core
let topic: Topic

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-'))
  await cp(join(import.meta.dirname, '../fixtures/log-v1-idempotent'), folder, { recursive: true })
  stores = await openDisk(folder)
  core = coreOver(stores)
  topic = await topicNamed(core, 'kept')
})
afterEach(async () => {
  await stores.close()
  await rm(folder, { recursive: true })
})

const [left, active] = [batches.left, batches.active].map((some) => some.flatMap(({ values }) => values))

test('a log with refs of idempotent producers is read whole, and its producers go on', async () => {
  const nobody = Array.from({ length: ofNobody }, () => 'of nobody')
  expect((await readAll(core, topic, 0)).map(text)).toEqual([...(left ?? []), ...nobody, ...(active ?? [])])
  const end = (left?.length ?? 0) + ofNobody + (active?.length ?? 0)
  expect(await sendAs(core, topic, { producer: 1, sequence: 4, values: ['next'] })).toBe(end)
  expect(await sendAs(core, topic, { producer: 2, epoch: 5, sequence: 2, values: ['next'] })).toBe(end + 1)
  expect(await sendAs(core, topic, { producer: 3_000_000, sequence: 1, values: ['next'] })).toBe(end + 2)
})

test('what was sent then and is sent again now is answered with its offset', async () => {
  let offset = 0
  for (const sent of batches.left) {
    expect(await sendAs(core, topic, sent)).toBe(offset)
    offset += sent.values.length
  }
  offset += ofNobody
  for (const sent of batches.active) {
    expect(await sendAs(core, topic, sent)).toBe(offset)
    offset += sent.values.length
  }
})

test('a producer’s state of a later format is refused by name', async () => {
  const id = { topicId: topic.id, partition: 0 }
  await stores.items.update(spilledProducerKey(id, '1'), { patches: [set('v', 2)] })
  await expect(sendAs(core, topic, { producer: 1, sequence: 4, values: ['x'] })).rejects.toThrow(
    /the spilled producer at .* has format 2, and this Millrace understands format 1/,
  )
})

test('a ref of a kind that is not known is refused by name', async () => {
  const head = await stores.items.get(headKey({ topicId: topic.id, partition: 0 }))
  const [first] = Array.isArray(head?.t) ? head.t : []
  const ref = first instanceof Uint8Array ? Uint8Array.from(first) : new Uint8Array()
  ref[0] = 0x17
  expect(() => unpackRef(ref)).toThrow(/the ref .* has format 1 with kind 7/)
})
