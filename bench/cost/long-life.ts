/** What costs how much in a log of so many index entries: nothing but the work itself may grow with its length. */
import { listOffset } from '../../src/log/offsets.ts'
import { maintainPartitions } from '../../src/maintenance/partitions-task.ts'
import { type Endless, endlessLog, endlessStores, recordEveryMs, refsAnEntry, storeAround } from './endless.ts'
import { fetchFrom } from './fetching.ts'
import { seeded } from './seeded.ts'
import { anotherProcess, batchOf, coreOf, send, startMs, tickMs } from './setup.ts'
import { newTally, type Tally, tallied } from './tally.ts'
import { ticking, world } from './world.ts'

export type LongLife = {
  readonly append: Tally
  readonly fetchFirst: Tally
  readonly fetchMiddle: Tally
  readonly fetchLast: Tally
  readonly byTime: Tally
  /** The first tenth goes: each run is a request of this tally. */
  readonly retention: Tally
  readonly removedEntries: number
}

const minuteMs = 60_000
const appends = 200
const lookups = 60
const graceMs = 10 * minuteMs

function lifeOf(entries: number, configs: Readonly<Record<string, string>> = {}) {
  // Long after the last record of the log.
  const simulated = world(startMs + entries * refsAnEntry * recordEveryMs + minuteMs)
  const { stores, make } = endlessStores(simulated.clock.now)
  const direct = coreOf(stores, simulated.clock, seeded(21))
  const core = coreOf(simulated.over(stores, ticking(tickMs)), simulated.clock, seeded(22))
  return {
    simulated,
    core,
    direct,
    open: () => endlessLog(direct, make, entries, { 'retention.ms': '-1', ...configs }),
  }
}

/** `retained`: entries of the log of which a tenth goes. */
export async function longLife(entries: number, retained = entries): Promise<LongLife> {
  const { simulated, core, direct, open } = lifeOf(entries)
  const [append, fetchFirst, fetchMiddle, fetchLast, byTime] = Array.from({ length: 5 }, newTally)
  if (!append || !fetchFirst || !fetchMiddle || !fetchLast || !byTime) throw new Error('five tallies')
  const log = await open()
  const fetched = async (tally: Tally, offset: number) => {
    await storeAround(direct, log, offset)
    await tallied(tally, anotherProcess(core), tickMs, 0, async (metered) => {
      if ((await fetchFrom(metered, log.topic, offset)) === 0) throw new Error(`nothing was fetched from ${offset}`)
    })
  }
  await simulated.run(async () => {
    await fetched(fetchFirst, 0)
    await fetched(fetchMiddle, Math.floor(log.end / 2))
    for (let count = 0; count < lookups; count++) await lookUp(byTime, log, count)
    for (let count = 0; count < appends; count++) {
      await core.clock.sleep(50)
      const records = batchOf(1, 1_024, core.clock.now())
      const offset = await tallied(append, core, tickMs, 1_024, (metered) => send(metered, log.topic, records))
      if (count % 20 === 19) await fetched(fetchLast, offset)
    }
  })
  const retired = await retainedTenth(retained)
  return { append, fetchFirst, fetchMiddle, fetchLast, byTime, ...retired }

  async function lookUp(tally: Tally, { topic, end }: Endless, count: number) {
    const expected = count === 0 ? 0 : Math.floor((end * count) / lookups)
    await storeAround(direct, log, expected, 1)
    const timestampMs = startMs + expected * recordEveryMs
    const { offset } = await tallied(tally, anotherProcess(core), tickMs, 0, (metered) =>
      listOffset(metered, topic, 0, { timestampMs }),
    )
    if (offset !== expected) throw new Error(`${timestampMs} was found at ${offset}, not at ${expected}`)
  }
}

/** Retention by time takes a tenth of the log: a run moves the start, others remove what is below once nobody reads it. */
async function retainedTenth(entries: number): Promise<Pick<LongLife, 'retention' | 'removedEntries'>> {
  const kept = entries - entries / 10
  const retentionMs = kept * refsAnEntry * recordEveryMs + minuteMs
  const { simulated, direct, open } = lifeOf(entries, { 'retention.ms': String(retentionMs) })
  const log = await open()
  const retention = newTally()
  let removedEntries = 0
  let start = 0
  for (let run = 0; run < 4; run++) {
    const report = await tallied(retention, direct, tickMs, 0, (metered) => maintainPartitions(metered, () => false))
    if (report.error) throw report.error
    removedEntries += report.removedEntries
    start = (await listOffset(direct, log.topic, 0, 'earliest')).offset
    await simulated.run(() => direct.clock.sleep(graceMs + minuteMs / 100))
  }
  // Time goes on while it works: some records more are over by then.
  const over = start - (entries / 10) * refsAnEntry
  if (over < 0 || over > 60) throw new Error(`the log begins at ${start}`)
  return { retention, removedEntries }
}
