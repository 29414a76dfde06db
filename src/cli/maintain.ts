import { Command } from 'commander'
import { type Done, maintainByHand } from '../maintenance/by-hand.ts'
import { defaultSettings } from '../runtime/settings.ts'
import { localCore } from '../server/local-handlers.ts'
import { collect, overStored, type StoredOptions, withStoredOptions } from './stored.ts'
import type { OpenedStores } from './stores.ts'

type Options = StoredOptions & { readonly topic: readonly string[]; readonly dryRun: boolean }

const progressEveryMs = 5_000

/** `millrace maintain`: what the schedule would do by and by, now. Exit code 1 where a part of it failed. */
export function maintainCommand(): Command {
  return withStoredOptions(new Command('maintain'))
    .description('do now what the schedule does: retention, rolling, compaction, and tidying up')
    .option('--topic <name>', 'only this topic; may be repeated', collect, [])
    .option('--dry-run', 'change nothing, and say what would be done', false)
    .action((options: Options) => overStored(options, (opened) => maintain(opened, options)))
}

async function maintain({ stores, clock }: OpenedStores, options: Options): Promise<void> {
  // The first signal ends it between two steps, so that nobody has to wait for its leases; the second one at once.
  const stopping = new AbortController()
  process.once('SIGINT', () => stopping.abort())
  process.once('SIGTERM', () => stopping.abort())
  const { dryRunStores } = await import('../store/embedded/dry-run.ts')
  const core = localCore(options.dryRun ? dryRunStores(stores, clock.now) : stores, clock, defaultSettings)
  let saidMs = clock.uptime()
  const progress = (doing: Done) => {
    if (clock.uptime() - saidMs < progressEveryMs) return
    saidMs = clock.uptime()
    process.stderr.write(`millrace: ${line(doing)} so far\n`)
  }
  const done = (one: Done) => {
    process.stdout.write(`${line(one, options.dryRun)}\n`)
    if (one.error === undefined) return
    process.stderr.write(`millrace: ${one.what}: ${one.error instanceof Error ? one.error.message : one.error}\n`)
    process.exitCode = 1
  }
  await maintainByHand(core, { topics: options.topic, done, progress, signal: stopping.signal })
}

/** `orders: rolled bytes 1048576, segments 1`. */
function line({ what, figures }: Done, isDry = false): string {
  const named = Object.entries(figures).map(([name, value]) => `${words(name)} ${value}`)
  if (named.length === 0) return `${what}: nothing to do`
  return `${what}${isDry ? ', if it were done' : ''}: ${named.join(', ')}`
}

const words = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
