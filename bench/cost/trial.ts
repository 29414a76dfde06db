/** Trials of one set of constants, in a worker that was bundled with them. */
import { parentPort, workerData } from 'node:worker_threads'
import { createTopic } from '../../src/log/topics.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { seeded } from './seeded.ts'
import { anotherProcess, batchOf, coreOf, send, startMs, tickMs } from './setup.ts'
import { newTally, type Tally, tallied } from './tally.ts'
import { ticking, world } from './world.ts'
import { type Contention, contend } from './writers.ts'

export type Trial = {
  readonly valueBytes: number
  readonly aSecond: number
  readonly requests: number
  readonly skewMs?: number
}
export type Tried = { readonly trial: Trial; readonly tally: Tally; readonly contention?: Contention }

const writers = 32

/** Requests evenly spread in time, whether or not earlier ones were answered, by 32 processes in turn. */
async function paced({ valueBytes, aSecond, requests }: Trial): Promise<Tally> {
  const simulated = world(startMs)
  const core = coreOf(simulated.over(memoryStores(), ticking(tickMs)), simulated.clock, seeded(1))
  const tally = newTally()
  await simulated.run(async () => {
    const topic = await createTopic(core, { name: 'bench' })
    const records = batchOf(1, valueBytes, startMs)
    const processes = Array.from({ length: writers }, () => anotherProcess(core))
    const open: Promise<unknown>[] = []
    for (let request = 0; request < requests; request++) {
      const own = processes[request % writers] ?? core
      open.push(tallied(tally, own, tickMs, valueBytes, (metered) => send(metered, topic, records)))
      await core.clock.sleep(1_000 / aSecond)
    }
    await Promise.all(open)
  })
  return tally
}

async function run(trials: readonly Trial[], withContention: boolean): Promise<Tried[]> {
  const tried: Tried[] = []
  for (const trial of trials) {
    const tally = await paced(trial)
    const contention = withContention
      ? await contend(memoryStores(), { ...trial, writers, latency: 'lognormal' })
      : undefined
    tried.push({ trial, tally, ...(contention ? { contention } : {}) })
  }
  return tried
}

// What thresholds.ts hands over.
const { trials, withContention } = workerData as { trials: readonly Trial[]; withContention: boolean }
run(trials, withContention).then((tried) => parentPort?.postMessage(tried))
