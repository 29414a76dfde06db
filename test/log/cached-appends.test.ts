import { expect, it } from 'vitest'
import { createTopic } from '../../src/log/topics.ts'
import type { StoreUse } from '../../src/store/meter.ts'
import { freshCore, readAll, send, text } from './core.ts'

/** What a reader on the same process asks the stores for, after records of all sizes were appended there. */
async function readAfterAppends(cachesAppended: boolean) {
  const core = freshCore({ cachesAppended })
  const topic = await createTopic(core, { name: 'orders' })
  const values = ['a'.repeat(1_000), 'b'.repeat(50_000), 'c'.repeat(2_000)]
  for (const value of values) await send(core, topic, 0, [value])
  const used: StoreUse[] = []
  const watched = {
    ...core,
    items: core.items.metered((use) => used.push(use)),
    objects: core.objects.metered((use) => used.push(use)),
  }
  expect((await readAll(watched, topic, 0)).map(text)).toEqual(values)
  return used.filter(({ call }) => call === 'batchGet' || call === 'get').length
}

it('serves what was appended here from memory, where settings say so: a reader that follows costs reads of heads only', async () => {
  const headsRead = await readAfterAppends(true)
  expect(await readAfterAppends(false)).toBe(headsRead + 2)
})
