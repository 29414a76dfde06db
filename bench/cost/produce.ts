/** Producing: the same request again and again, one every so often, by one process that knows its topic. */
import { createTopic } from '../../src/log/topics.ts'
import type { Stores } from '../../src/store/stores.ts'
import { seeded } from './seeded.ts'
import { batchOf, coreOf, send, startMs, tickMs } from './setup.ts'
import { newTally, type Tally, tallied } from './tally.ts'
import { ticking, world } from './world.ts'

export type Produce = {
  readonly name: string
  readonly records: number
  readonly valueBytes: number
  readonly requests: number
  readonly everyMs: number
}

export const produceWorkloads = {
  tiny: { name: '1 record of 100 B', records: 1, valueBytes: 100, requests: 5_000, everyMs: 50 },
  small: { name: '1 record of 1 KB', records: 1, valueBytes: 1_024, requests: 5_000, everyMs: 50 },
  hundred: { name: '100 records of 1 KB', records: 100, valueBytes: 1_024, requests: 200, everyMs: 50 },
  megabyte: { name: '1 record of 1 MB', records: 1, valueBytes: 1_000_000, requests: 50, everyMs: 50 },
  hour: { name: '100 B, 10 a second for an hour', records: 1, valueBytes: 100, requests: 36_000, everyMs: 100 },
} as const satisfies Record<string, Produce>

/** Runs the workload over fresh stores; `begins` once the topic is there. Nothing in it depends on which stores they are. */
export async function produce(
  stores: Pick<Stores, 'items' | 'objects'>,
  workload: Produce,
  begins = () => {},
): Promise<Tally> {
  const simulated = world(startMs)
  const core = coreOf(simulated.over(stores, ticking(tickMs)), simulated.clock, seeded(1))
  const tally = newTally()
  await simulated.run(async () => {
    const topic = await createTopic(core, { name: 'bench' })
    const records = batchOf(workload.records, workload.valueBytes, startMs)
    const valueBytes = workload.records * workload.valueBytes
    const firstMs = core.clock.now()
    begins()
    for (let request = 0; request < workload.requests; request++) {
      await core.clock.sleep(Math.max(0, firstMs + request * workload.everyMs - core.clock.now()))
      await tallied(tally, core, tickMs, valueBytes, (metered) => send(metered, topic, records))
    }
  })
  return tally
}
