/** A process that runs one seed after the other, as it is told to. */
import type { Event } from './history.ts'
import type { Limits } from './limits.ts'
import type { Job, Result } from './result.ts'
import { type Outcome, run } from './run.ts'
import { shortest } from './shortest.ts'

const answers = new Set<Event['kind']>([
  'append-acked',
  'append-failed',
  'append-unknown',
  'commit-acked',
  'commit-unknown',
  'joined',
  'given',
  'disowned',
  'plan-sent',
  'handled',
  'member-commit-acked',
  'member-commit-refused',
  'member-commit-unknown',
])

function told(outcome: Outcome, limits: Limits): Result {
  const { history, tally, trace, ...rest } = outcome
  const isSound = outcome.anomalies.length === 0
  return {
    ...rest,
    limits,
    operations: history.filter((event) => !answers.has(event.kind)).length,
    calls: Object.fromEntries(tally.calls),
    fired: Object.fromEntries(tally.fired),
    trace: isSound ? [] : trace,
    history: [],
  }
}

async function work({ seed, limits, shorten }: Job): Promise<Result> {
  if (shorten === undefined) return told(await run(seed, limits), limits)
  const found = await shortest(seed, limits, shorten)
  return { ...told(found.outcome, found.limits), history: found.outcome.history }
}

process.on('message', async (message) => {
  // Whoever forks this sends jobs and nothing else.
  const result = await work(message as Job)
  process.send?.(result)
})
// Without its parent it has nothing to do.
process.once('disconnect', () => process.exit())
