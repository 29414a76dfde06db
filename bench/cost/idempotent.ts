/** Idempotent producers of tiny records on one partition, taking turns. */

import { headKey } from '../../src/log/keys.ts'
import { createTopic } from '../../src/log/topics.ts'
import { crc32c } from '../../src/protocol/records/crc32c.ts'
import { layout } from '../../src/protocol/records/header.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { itemBytes } from '../../src/store/sizes.ts'
import { seeded } from './seeded.ts'
import { anotherProcess, batchOf, coreOf, send, startMs, tickMs } from './setup.ts'
import { newTally, type Tally, tallied } from './tally.ts'
import { ticking, world } from './world.ts'

export type Idempotent = {
  readonly producers: number
  readonly requests: number
  readonly everyMs: number
  readonly valueBytes: number
  /** Each request meets a process that knows nothing of the partition. */
  readonly cold: boolean
}

/** A head of many ids, as a cluster has that is no longer young. */
const firstProducer = 1_000_000

/** Costs once every producer has sent its first record, and the largest head. */
export async function produceIdempotently(asked: Idempotent): Promise<{ tally: Tally; headBytes: number }> {
  const simulated = world(startMs)
  const stores = memoryStores(simulated.clock.now)
  const core = coreOf(simulated.over(stores, ticking(tickMs)), simulated.clock, seeded(1))
  const tally = newTally()
  let headBytes = 0
  await simulated.run(async () => {
    const topic = await createTopic(core, { name: 'bench' })
    const key = headKey({ topicId: topic.id, partition: 0 })
    const plain = batchOf(1, asked.valueBytes, startMs)
    const firstMs = core.clock.now()
    for (let request = -asked.producers; request < asked.requests; request++) {
      const turn = request + asked.producers
      await core.clock.sleep(Math.max(0, firstMs + turn * asked.everyMs - core.clock.now()))
      const records = sentBy(plain, firstProducer + (turn % asked.producers), Math.floor(turn / asked.producers))
      const own = asked.cold ? { ...anotherProcess(core), memory: withTopics(core) } : core
      if (request < 0) await send(own, topic, records)
      else await tallied(tally, own, tickMs, asked.valueBytes, (metered) => send(metered, topic, records))
      headBytes = Math.max(headBytes, itemBytes(key, await stores.items.get(key)))
    }
  })
  return { tally, headBytes }
}

const withTopics = (core: Core) => ({
  ...anotherProcess(core).memory,
  topics: core.memory.topics,
})

function sentBy(plain: Uint8Array, producer: number, sequence: number): Uint8Array {
  const batch = Uint8Array.from(plain)
  const view = new DataView(batch.buffer)
  view.setBigInt64(layout.producerId, BigInt(producer))
  view.setInt16(layout.producerEpoch, 0)
  view.setInt32(layout.baseSequence, sequence)
  view.setUint32(layout.crc, crc32c(batch, layout.attributes, batch.length))
  return batch
}
