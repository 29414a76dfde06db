/**
 * `npm run sim`: a whole cluster in simulated time, seed by seed, and a checker that judges each history. Ends with
 * `N passed, N failed` (a seed is a test) and exit code 1 where anything failed.
 */
import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { Command, InvalidArgumentError, Option } from 'commander'
import { keptSeeds } from './kept-seeds.ts'
import type { Job } from './result.ts'
import { runBugs } from './run-bugs.ts'
import { runSeeds } from './run-seeds.ts'
import { type SceneName, sceneNames } from './scenes.ts'

const count = (text: string): number => {
  const number = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(number) || number < 0)
    throw new InvalidArgumentError('Not a whole number of at least 0.')
  return number
}

const command = new Command('sim')
  .description('runs Millrace in simulated time under faults, and checks what its clients saw')
  .option('--seeds <n>', 'how many seeds, one after the other (default 500; no end where --minutes is given)', count)
  .option('--seed <s>', 'the first of them', count, 1)
  .option('--fresh <n>', 'after them, this many that nobody has run before', count, 0)
  .option('--minutes <m>', 'begin no seed after so long', count)
  .option('--processes <n>', 'at once', count, availableParallelism())
  .option('--length-ms <ms>', 'cut each run short: simulated milliseconds', count)
  .option('--producers <n>', 'at most so many in a run', count)
  .option('--readers <n>', 'at most so many in a run', count)
  .addOption(new Option('--scene <name>', 'not what each seed draws, but one of these').choices(sceneNames))
  .option('--bugs [name]', 'plant each bug (whose name holds this) and see it caught, instead')
  .parse()

type Options = {
  seeds?: number
  seed: number
  fresh: number
  minutes?: number
  processes: number
  lengthMs?: number
  producers?: number
  readers?: number
  scene?: SceneName
  bugs?: string | true
}
const { seeds, seed, fresh, minutes, processes, lengthMs, producers, readers, scene, bugs } = command.opts<Options>()
const asked = seeds ?? (minutes === undefined ? 500 : Number.MAX_SAFE_INTEGER)

/** Kept ones first, unless one certain seed is asked for; fresh ones last. */
function* allSeeds(): Generator<Job> {
  const limits = { lengthMs, producers, readers, scene }
  const endMs = minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + minutes * 60_000
  if (asked !== 1)
    for (const kept of keptSeeds) yield { seed: kept.seed, limits: { ...limits, scene: scene ?? kept.scene } }
  for (let at = 0; at < asked && Date.now() < endMs; at++) yield { seed: seed + at, limits }
  if (fresh === 0) return
  const first = randomInt(1_000_000, 2 ** 47)
  console.log(`fresh seeds from ${first} on; again: npm run sim -- --seed ${first} --seeds ${fresh}`)
  for (let at = 0; at < fresh && Date.now() < endMs; at++) yield { seed: first + at, limits }
}

const { passed, failed } =
  bugs === undefined ? await runSeeds(allSeeds(), processes) : await runBugs(processes, seed, bugs === true ? '' : bugs)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
