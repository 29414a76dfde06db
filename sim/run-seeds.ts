/** Many seeds, one after the other in each process, and what they came to. */

import { printAnomalies } from './anomalies.ts'
import { bundledWorker } from './bundle.ts'
import { faultTable, neverFired } from './coverage.ts'
import { type Pool, pool } from './pool.ts'
import { progress } from './progress.ts'
import type { Job, Result } from './result.ts'
import { addTo, noTotals, type Totals } from './totals.ts'

/** From this many seeds on, every fault has to have fired at every site. */
const seedsToCoverAll = 1_000
/** Of so many seeds the anomalies are shortened and printed; after so many failed ones there is no need to go on. */
const shownMax = 3
const failedMax = 50

/** Prints progress, anomalies and a summary; the number of tests passed and failed. */
export async function runSeeds(jobs: Iterable<Job>, processes: number): Promise<{ passed: number; failed: number }> {
  const beganMs = Date.now()
  const seconds = () => (Date.now() - beganMs) / 1_000
  const workers = pool(await bundledWorker('worker'), processes)
  const totals = noTotals()
  const failed: Result[] = []
  const line = progress()
  try {
    await workers.each(jobs, (result) => {
      addTo(totals, result)
      if (result.anomalies.length > 0) failed.push(result)
      line.show(() => progressLine(totals, seconds()))
      return totals.failed < failedMax
    })
    line.done()
    await shorten(workers, failed)
  } finally {
    workers.close()
  }
  printSummary(totals, seconds())
  const missing = totals.seeds >= seedsToCoverAll ? neverFired(totals) : []
  if (missing.length > 0) console.log(`\nnever fired although it can:\n  ${missing.join('\n  ')}`)
  // That every fault fires is one test more, where enough was run to ask it.
  const covered = totals.seeds < seedsToCoverAll ? 0 : 1
  const uncovered = missing.length > 0 ? 1 : 0
  return { passed: totals.seeds - totals.failed + covered - uncovered, failed: totals.failed + uncovered }
}

async function shorten(workers: Pool, failed: readonly Result[]): Promise<void> {
  const shown = failed.slice(0, shownMax).map(({ seed, limits, anomalies }): Job => {
    const [first] = anomalies
    return { seed, limits, shorten: first?.name ?? '' }
  })
  const shortest: Result[] = []
  await workers.each(shown, (result) => shortest.push(result) > 0)
  for (const result of shortest.sort((a, b) => a.seed - b.seed)) await printAnomalies(result)
  const rest = failed.slice(shownMax)
  if (rest.length > 0) console.log(`\nmore:`)
  for (const { seed, anomalies } of rest)
    console.log(`  seed ${seed}: ${[...new Set(anomalies.map(({ name }) => name))].join(', ')}`)
}

const whole = (number: number): string => Math.round(number).toLocaleString('en-US')

const progressLine = ({ seeds, failed, simulatedMs }: Totals, seconds: number): string =>
  `${whole(seeds)} seeds, ${whole(simulatedMs / 3_600_000)} simulated hours, ${failed} with anomalies, ${whole(seconds)} s`

function printSummary(totals: Totals, seconds: number): void {
  const { seeds, operations, steps, storeCalls, simulatedMs, kills, freezes, fired } = totals
  const faults = [...fired.values()].reduce((sum, number) => sum + number, 0)
  console.log(`
seeds                ${whole(seeds)}, a schedule each, ${(seeds / seconds).toFixed(1)} a second
steps                ${whole(steps)}
operations checked   ${whole(operations)}
store calls          ${whole(storeCalls)}
simulated hours      ${whole(simulatedMs / 3_600_000)}
servers killed       ${whole(kills)}
servers frozen       ${whole(freezes)}
faults fired         ${whole(faults)}
`)
  console.log(faultTable(totals))
}
