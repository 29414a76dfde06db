import { Command } from 'commander'
import { defaultSettings } from '../runtime/settings.ts'
import { localCore } from '../server/local-handlers.ts'
import type { Looked } from '../verify/look.ts'
import { verify } from '../verify/verify.ts'
import { collect, overStored, type StoredOptions, withStoredOptions } from './stored.ts'
import type { OpenedStores } from './stores.ts'
import { Trouble } from './trouble.ts'

type Options = StoredOptions & {
  readonly topic: readonly string[]
  readonly deep: boolean
  readonly repairDeleted: boolean
}

const progressEveryMs = 5_000

/** `millrace verify`: whether everything that is stored hangs together. Exit code 1 where it does not. */
export function verifyCommand(): Command {
  return withStoredOptions(new Command('verify'))
    .description('walk heads, index and objects, and report every contradiction')
    .option('--topic <name>', 'only this topic; may be repeated', collect, [])
    .option('--deep', 'read every byte and check every checksum', false)
    .option('--repair-deleted', 'bring back deleted objects that are still named (--store aws)', false)
    .action((options: Options) => overStored(options, (opened) => check(opened, options)))
}

async function check({ stores, clock, bringBack }: OpenedStores, options: Options): Promise<void> {
  if (options.repairDeleted && !bringBack) throw new Trouble('--repair-deleted goes with --store aws')
  const core = localCore(stores, clock, defaultSettings)
  const { topic: topics, deep } = options
  let saidMs = clock.uptime()
  const progress = (looked: Looked) => {
    if (clock.uptime() - saidMs < progressEveryMs) return
    saidMs = clock.uptime()
    process.stderr.write(`millrace: ${figures(looked)} so far\n`)
  }
  const look = (found: (line: string) => void) => verify(core, { topics, deep, found, progress })
  const say = (line: string) => void process.stdout.write(`${line}\n`)
  const first = await look(options.repairDeleted ? () => {} : say)
  let done = first
  if (options.repairDeleted && bringBack) {
    const back = await bringBack(first.missingObjects)
    say(`${back} of ${first.missingObjects.length} missing objects brought back`)
    done = await look(say)
  }
  say(`${figures(done.looked)}: ${done.contradictions} contradictions`)
  if (done.contradictions > 0) process.exitCode = 1
}

const figures = ({ partitions, segments, chunks, blobs, offsets, bytes }: Looked): string =>
  `${partitions} partitions, ${segments} segments, ${chunks} chunks, ${blobs} blobs, ${offsets} offsets, ${bytes} bytes`
