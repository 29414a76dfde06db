/** The same anomaly with less: the seed again, cut short and with fewer clients. */
import type { Limits } from './limits.ts'
import { type Outcome, run } from './run.ts'
import { epochMs } from './time.ts'

const runsMax = 24

export type Shown = { readonly outcome: Outcome; readonly limits: Limits }

/** The shortest history found in a bounded number of runs that still shows an anomaly of this name. */
export async function shortest(seed: number, limits: Limits, name: string): Promise<Shown> {
  let best: Shown = { outcome: await run(seed, limits), limits }
  let runs = 0
  const tryLess = async (less: Limits): Promise<boolean> => {
    if (runs++ >= runsMax) return false
    const outcome = await run(seed, less)
    const shows = outcome.anomalies.some((anomaly) => anomaly.name === name)
    if (!shows || outcome.history.length >= best.outcome.history.length) return false
    best = { outcome, limits: less }
    return true
  }
  const cutShort = async () => {
    const length = lengthOf(best, name)
    for (const share of [0.05, 0.1, 0.25, 0.5, 0.75, 1]) {
      if (await tryLess({ ...best.limits, lengthMs: Math.ceil(length * share) })) return
    }
  }
  await cutShort()
  for (const readers of [0, 1]) if (await tryLess({ ...best.limits, readers })) break
  for (const producers of [1, 2, 3]) if (await tryLess({ ...best.limits, producers })) break
  await cutShort()
  return best
}

/** Until the anomaly's own events were seen, those of the last look aside. */
function lengthOf({ outcome }: Shown, name: string): number {
  const events = outcome.anomalies.find((anomaly) => anomaly.name === name)?.events ?? []
  const lastMs = Math.max(...events.filter(({ client }) => client !== 'last').map(({ atMs }) => atMs), epochMs)
  return lastMs === epochMs ? outcome.simulatedMs : lastMs - epochMs + 1_000
}
