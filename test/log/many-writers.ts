import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTopic, type Topic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import type { Stores } from '../../src/store/stores.ts'
import { coreOver, readAll, send, text } from './core.ts'

const writers = 32

/**
 * Many writers of one partition, each a server of its own over shared stores: every acknowledged record is there once, at its
 * acknowledged offset, and offsets are dense. And of two writers, neither ever makes the other send again.
 * @param requests of each: fewer where the store is an emulator in Java or Python, which takes minutes for as many
 */
export function describeManyWriters(name: string, open: () => Promise<Stores>, requests = 2_000): void {
  describe(`many writers of one partition: ${name}`, () => {
    let stores: Stores
    beforeAll(async () => {
      stores = await open()
    })
    afterAll(() => stores.close())

    test(`${writers} writers of ${requests} requests each`, async () => {
      const topic = await createTopic(coreOver(stores), { name: 'contended' })
      const acknowledged = new Map<number, string>()
      await Promise.all(
        Array.from({ length: writers }, async (_, writer) => {
          // A partition this contended makes some wait long for their turn; the point here is that none is lost.
          const core = coreOver(stores, { appendTimeoutMs: 120_000, cacheBytes: 0 })
          for (let count = 0; count < requests; count++) {
            const value = `${writer}:${count}:${'x'.repeat(count % 10 === 0 ? 400 : 20)}`
            acknowledged.set(await send(core, topic, 0, [value]), value)
          }
        }),
      )
      await everyRecordOnce(coreOver(stores), topic, acknowledged, writers * requests)
    })

    test.each([
      ['tiny', 20],
      ['small', 1_000],
    ])('two writers of %s records never make each other send again', async (_, size) => {
      const topic = await createTopic(coreOver(stores), { name: `shared-by-two-${size}` })
      const acknowledged = new Map<number, string>()
      let sentAgain = 0
      const items = stores.items.metered((use) => {
        if (use.call === 'query') sentAgain++
      })
      await Promise.all(
        [0, 1].map(async (writer) => {
          const core = coreOver({ ...stores, items })
          for (let count = 0; count < 500; count++) {
            const value = `${writer}:${count}:${'x'.repeat(size)}`
            acknowledged.set(await send(core, topic, 0, [value]), value)
          }
        }),
      )
      // An append that is refused looks into the index before it is sent again: no query, no refusal.
      expect(sentAgain).toBe(0)
      await everyRecordOnce(coreOver(stores), topic, acknowledged, 1_000)
    })
  })
}

async function everyRecordOnce(core: Core, topic: Topic, acknowledged: ReadonlyMap<number, string>, count: number) {
  expect(acknowledged.size).toBe(count)
  const records = await readAll(core, topic, 0)
  expect(records.length).toBe(count)
  expect(records.findIndex((record, at) => record.offset !== at || acknowledged.get(at) !== text(record))).toBe(-1)
}
