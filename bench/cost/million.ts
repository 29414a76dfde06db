/** A million tiny appends to one partition, and what its head weighs meanwhile. Runs as a worker of its own: it takes a while. */
import { parentPort } from 'node:worker_threads'
import { readHead } from '../../src/log/head.ts'
import { headKey } from '../../src/log/keys.ts'
import { createTopic } from '../../src/log/topics.ts'
import { embeddedItems } from '../../src/store/embedded/items.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { memoryRows } from '../../src/store/embedded/memory-rows.ts'
import type { Rows } from '../../src/store/embedded/rows.ts'
import type { Item, Key } from '../../src/store/items.ts'
import { itemBytes } from '../../src/store/sizes.ts'
import { seeded } from './seeded.ts'
import { batchOf, coreOf, send, startMs, tickMs } from './setup.ts'

export type Million = { readonly appends: number; readonly largestBytes: number; readonly lastBytes: number }

const appends = 1_000_000
const lookEvery = 11

/**
 * Index entries are taken and forgotten: nobody reads them here, and a million appends of them would fill the memory. Every few
 * writes of the head are shown, the ones in the middle of a request among them.
 */
function rowsOfHeads(show: (key: Key, head: Item) => void): Rows {
  const rows = memoryRows()
  let writes = 0
  return {
    ...rows,
    write(batch) {
      for (const { key, item } of batch) {
        if (key.sk !== 'head' || !item) continue
        if (++writes % lookEvery === 0) show(key, item)
      }
      return rows.write(batch.filter(({ key }) => !key.pk.startsWith('i/')))
    },
  }
}

async function run(): Promise<Million> {
  let nowMs = startMs
  let largestBytes = 0
  const rows = rowsOfHeads((key, head) => {
    largestBytes = Math.max(largestBytes, itemBytes(key, head))
  })
  const stores = { items: embeddedItems(rows), objects: memoryStores().objects }
  const core = coreOf(stores, { now: () => nowMs, uptime: () => nowMs, sleep: async () => {} }, seeded(7))
  const topic = await createTopic(core, { name: 'bench' })
  const id = { topicId: topic.id, partition: 0 }
  for (let count = 0; count < appends; count++) {
    nowMs += tickMs
    await send(core, topic, batchOf(1, count % 3, startMs))
  }
  const head = (await core.items.get(headKey(id))) ?? {}
  if (readHead(id, head).next !== appends) throw new Error('the head has lost count')
  return { appends, largestBytes, lastBytes: itemBytes(headKey(id), head) }
}

run().then((million) => parentPort?.postMessage(million))
