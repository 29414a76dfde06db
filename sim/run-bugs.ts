/** Each planted bug is run until it is caught: a checker that misses one is not ready. */
import { type Bug, bugs } from './bugs.ts'
import { bundledWorker } from './bundle.ts'
import { type Pool, pool } from './pool.ts'
import { progress } from './progress.ts'
import type { Job, Result } from './result.ts'

export type Caught = {
  readonly bug: Bug
  readonly by: readonly string[]
  readonly seeds: number
  readonly seconds: number
}

/** Prints a table; the number of bugs caught and missed. `from`: the first seed tried. `only`: those whose names hold it. */
export async function runBugs(processes: number, from: number, only = ''): Promise<{ passed: number; failed: number }> {
  const chosen = bugs.filter(({ name }) => name.includes(only))
  const line = progress()
  const caught: Caught[] = []
  console.log(heading)
  const sound = pool(await bundledWorker('worker'), 1)
  for (const [at, bug] of chosen.entries()) {
    line.show(() => `planting ${at + 1} of ${chosen.length}: ${bug.name}`)
    const one = await hunt(bug, processes, from, sound, at)
    caught.push(one)
    line.done()
    console.log(row(one))
  }
  sound.close()
  line.done()
  const missed = caught.filter(({ by }) => by.length === 0).length
  return { passed: caught.length - missed, failed: missed }
}

async function hunt(bug: Bug, processes: number, from: number, sound: Pool, at: number): Promise<Caught> {
  const beganMs = Date.now()
  const workers = pool(await bundledWorker(`bug-${at}`, bug.patches), processes)
  const found: Result[] = []
  let seeds = 0
  try {
    await workers.each(seedsFrom(from, bug), (result) => {
      seeds++
      if (result.anomalies.length > 0) found.push(result)
      return found.length === 0
    })
  } finally {
    workers.close()
  }
  // Seeds are handed out in order, and those under way are waited for: the least found is the first there is.
  const [first] = found.sort((a, b) => a.seed - b.seed)
  // What also shows without the bug is not the bug's.
  if (first) {
    await sound.each([{ seed: first.seed, limits: first.limits }], ({ anomalies }) => {
      if (anomalies.length > 0) throw new Error(`seed ${first.seed} shows an anomaly without any bug planted`)
      return true
    })
  }
  const by = [...new Set(first?.anomalies.map(({ name }) => name))]
  return { bug, by, seeds: first ? first.seed - from + 1 : seeds, seconds: (Date.now() - beganMs) / 1_000 }
}

function* seedsFrom(first: number, { caughtWithin, scene }: Bug): Generator<Job> {
  for (let seed = first; seed < first + caughtWithin; seed++) yield { seed, limits: { scene } }
}

const nameWidth = Math.max(...bugs.map(({ name }) => name.length))
const heading = `${'planted bug'.padEnd(nameWidth)}  seeds  limit      s  caught by`

function row({ bug, by, seeds, seconds }: Caught): string {
  const numbers = [String(seeds).padStart(5), String(bug.caughtWithin).padStart(5), seconds.toFixed(1).padStart(5)]
  return [bug.name.padEnd(nameWidth), ...numbers, by.length > 0 ? by.join(', ') : 'NOT CAUGHT'].join('  ')
}
