/** Fetching at the end of a log and in its cold history, and looking offsets up by time. */
import { fetch } from '../../src/log/fetch.ts'
import { entriesCovering } from '../../src/log/index-search.ts'
import { listOffset } from '../../src/log/offsets.ts'
import { createTopic, type Topic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { type LongLog, longLog, type Shape, storeBlobsOfEntries } from './long-log.ts'
import { seeded } from './seeded.ts'
import { anotherProcess, batchOf, coreOf, send, startMs, tickMs } from './setup.ts'
import { newTally, type Tally, tallied } from './tally.ts'
import { ticking, type World, world } from './world.ts'

const maxBytes = 1024 * 1024

/** How many batches came. */
export async function fetchFrom(core: Core, topic: Topic, offset: number): Promise<number> {
  const partitions = [{ topic, partition: 0, offset, maxBytes }]
  const [fetched] = await fetch(core, { partitions, maxBytes, minBytes: 1, maxWaitMs: 0 })
  if (!fetched || 'error' in fetched) throw new Error('a fetch failed', { cause: fetched?.error })
  return fetched.batches.length
}

export function simulation(): { readonly simulated: World; readonly direct: Core; readonly core: Core } {
  const simulated = world(startMs)
  const stores = memoryStores(simulated.clock.now)
  return {
    simulated,
    direct: coreOf(stores, simulated.clock, seeded(5)),
    core: coreOf(simulated.over(stores, ticking(tickMs)), simulated.clock, seeded(6)),
  }
}

const followed = 400

/**
 * A reader that fetches after every append, by another process than the writer's: `nothing` at the very end, `last` the newest
 * record. Blobs are never cached, as each fetch is a process of its own.
 */
export async function fetchAtEnd(valueBytes: number): Promise<{ nothing: Tally; last: Tally }> {
  const { simulated, core } = simulation()
  const nothing = newTally()
  const last = newTally()
  await simulated.run(async () => {
    const topic = await createTopic(core, { name: 'bench' })
    const records = batchOf(1, valueBytes, startMs)
    for (let count = 0; count < followed; count++) {
      const offset = await send(core, topic, records)
      await core.clock.sleep(50)
      await tallied(last, anotherProcess(core), tickMs, valueBytes, async (metered) => {
        if ((await fetchFrom(metered, topic, offset)) !== 1) throw new Error('the newest record was not there')
      })
      await tallied(nothing, anotherProcess(core), tickMs, 0, (metered) => fetchFrom(metered, topic, offset + 1))
    }
  })
  return { nothing, last }
}

/** A long log, and cores that reach it with and without taking time. */
export type Cold = { readonly simulated: World; readonly direct: Core; readonly core: Core; readonly log: LongLog }

export async function coldLog(shape: Shape): Promise<Cold> {
  const world = simulation()
  return { ...world, log: await longLog(world.direct, shape) }
}

const coldFetches = 12

/** Fetches of up to 1 MiB from all over a long log, each by a process that knows nothing. */
export async function fetchCold({ simulated, direct, core, log }: Cold): Promise<Tally> {
  const tally = newTally()
  const random = seeded(8)
  for (let count = 0; count < coldFetches; count++) {
    const offset = log.bases[count === 0 ? 0 : random.below(log.bases.length)] ?? 0
    await storeBlobsOfEntries(direct, log.id, await entriesCovering(direct, log.id, offset, 16))
    await simulated.run(() =>
      tallied(tally, anotherProcess(core), tickMs, 0, (metered) => fetchFrom(metered, log.topic, offset)),
    )
  }
  return tally
}

const lookups = 200

/** Lookups of times from all over the log, its edges included; each answer is checked against the index as it was built. */
export async function lookUpByTime({ simulated, direct, core, log }: Cold): Promise<Tally> {
  const tally = newTally()
  const random = seeded(9)
  for (let count = 0; count < lookups; count++) {
    const last = log.bases.length - 1
    const chosen = count === 0 ? 0 : count === 1 ? last : random.below(log.bases.length)
    // Between two entries as often as on one.
    const timestampMs = (log.runningTimestamps[chosen] ?? 0) + (count % 2)
    const expected = await firstReaching(direct, log, timestampMs)
    await simulated.run(() =>
      tallied(tally, anotherProcess(core), tickMs, 0, async (metered) => {
        const { offset } = await listOffset(metered, log.topic, 0, { timestampMs })
        if (offset >= expected.from && offset < expected.to) return
        // Later than the index reaches: the tail may or may not have it.
        if (offset === -1 && expected.to === Number.MAX_SAFE_INTEGER) return
        throw new Error(`time ${timestampMs} was found at ${offset}, not in ${JSON.stringify(expected)}`)
      }),
    )
  }
  return tally
}

/** Where the answer must lie, by the index as it was built; its blobs are stored, so that it can be read. */
async function firstReaching(core: Core, log: LongLog, timestampMs: number): Promise<{ from: number; to: number }> {
  let low = 0
  let high = log.bases.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((log.runningTimestamps[middle] ?? 0) < timestampMs) low = middle + 1
    else high = middle
  }
  const base = log.bases[low]
  if (base === undefined) return { from: log.end, to: Number.MAX_SAFE_INTEGER }
  await storeBlobsOfEntries(core, log.id, await entriesCovering(core, log.id, base, 0))
  return { from: base, to: log.bases[low + 1] ?? log.end }
}
