/** A steady stream into one partition, and what is done in the background for as long as its records live: rolling to retention. */
import { fetch } from '../../src/log/fetch.ts'
import { indexPk, isSegmentSk } from '../../src/log/keys.ts'
import { createTopic, type Topic } from '../../src/log/topics.ts'
import { maintainPartitions } from '../../src/maintenance/partitions-task.ts'
import { readUpkeepOf } from '../../src/maintenance/upkeep.ts'
import { readBatchHeader } from '../../src/protocol/records/batch.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { seeded } from './seeded.ts'
import { anotherProcess, batchOf, coreOf, send, startMs, tickMs } from './setup.ts'
import { dollarsAMillion, newTally, type Tally, tallied } from './tally.ts'
import { world } from './world.ts'

export type Stream = { readonly valueBytes: number; readonly requests: number; readonly everyMs: number }

export type Background = {
  readonly produce: Tally
  readonly background: Tally
  /** One server that reads the log from its beginning, once it is rolled. */
  readonly reading: Tally
  /** How many there were then. */
  readonly segments: number
  /** What the stores charge for the background, in percent of what they charge for producing. */
  readonly percent: number
}

const minuteMs = 60_000
/** What is left over at the end of the stream is rolled too. */
const configs = { 'retention.ms': String(120 * minuteMs), 'segment.ms': String(minuteMs) }
/** Minutes after the stream: it is rolled, cleaned up after, over, and removed. */
const runsAt = [2, 3, 14, 15, 125, 136, 147]

export async function background({ valueBytes, requests, everyMs }: Stream): Promise<Background> {
  const simulated = world(startMs)
  const stores = memoryStores(simulated.clock.now, { forgets: true })
  const core = coreOf(stores, simulated.clock, seeded(31))
  const [produce, behind, reading] = [newTally(), newTally(), newTally()]
  let segments = 0
  await simulated.run(async () => {
    const topic = await createTopic(core, { name: 'bench', configs })
    for (let request = 0; request < requests; request++) {
      const records = batchOf(1, valueBytes, core.clock.now())
      await tallied(produce, core, tickMs, valueBytes, (metered) => send(metered, topic, records))
      await core.clock.sleep(everyMs)
    }
    const endMs = core.clock.now()
    const maintaining = anotherProcess(core)
    for (const minutes of runsAt) {
      await core.clock.sleep(Math.max(0, endMs + minutes * minuteMs - core.clock.now()))
      if (minutes === 14) segments = await readAll(reading, anotherProcess(core), topic)
      const { error } = await tallied(behind, maintaining, tickMs, 0, (metered) =>
        maintainPartitions(metered, () => false),
      )
      if (error) throw error
    }
  })
  const costOf = (tally: Tally) => dollarsAMillion(tally) * tally.requests
  return { produce, background: behind, reading, segments, percent: (100 * costOf(behind)) / costOf(produce) }
}

const maxBytes = 1024 * 1024

/** Fetches of 1 MiB each, up to where the log is rolled. Gives the number of segments. */
async function readAll(tally: Tally, core: Core, topic: Topic): Promise<number> {
  const id = { topicId: topic.id, partition: 0 }
  const [{ rolled }, rows] = await Promise.all([
    readUpkeepOf(core, id),
    core.items.query({ pk: indexPk(id), limit: 10_000 }),
  ])
  let batchBytes = 0
  for (let offset = 0; offset < rolled; ) {
    const bytesLeft = batchBytes === 0 ? maxBytes : Math.min(maxBytes, (rolled - offset) * batchBytes)
    const got = await tallied(tally, core, tickMs, 0, async (metered) => {
      const partitions = [{ topic, partition: 0, offset, maxBytes: bytesLeft }]
      const [fetched] = await fetch(metered, { partitions, maxBytes, minBytes: 1, maxWaitMs: 0 })
      if (!fetched || 'error' in fetched) throw new Error('a fetch failed', { cause: fetched?.error })
      return fetched
    })
    const bytes = got.batches.reduce((sum, { length }) => sum + length, 0)
    const last = got.batches.at(-1)
    const header = last && readBatchHeader(last)
    if (!header) throw new Error(`nothing was read at ${offset} of ${rolled}`)
    tally.valueBytes += bytes
    batchBytes = last.length
    offset = header.baseOffset + header.lastOffsetDelta + 1
  }
  return rows.filter(({ sk }) => isSegmentSk(sk)).length
}
