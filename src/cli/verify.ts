import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { KafkaError } from '../protocol/errors.ts'
import { defaultSettings } from '../runtime/settings.ts'
import { localCore } from '../server/local-handlers.ts'
import type { Looked } from '../verify/look.ts'
import { verify } from '../verify/verify.ts'
import { openStores, type StoreOptions } from './stores.ts'
import { orTrouble, Trouble } from './trouble.ts'

type Options = Omit<StoreOptions, 'memory'> & {
  readonly topic: readonly string[]
  readonly deep: boolean
  readonly repairDeleted: boolean
}

const progressEveryMs = 5_000

/** `millrace verify`: whether everything that is stored hangs together. Exit code 1 where it does not. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('walk heads, index and objects, and report every contradiction')
    .option('--data <dir>', 'folder of the data, not in use', '.millrace')
    .addOption(new Option('--store <kind>', 'where the data lives').choices(['local', 'aws']).default('local'))
    .option('--table <name>', 'DynamoDB table (--store aws)')
    .option('--bucket <name>', 'S3 bucket (--store aws)')
    .option('--topic <name>', 'only this topic; may be repeated', collect, [])
    .option('--deep', 'read every byte and check every checksum', false)
    .option('--repair-deleted', 'bring back deleted objects that are still named (--store aws)', false)
    .action((options: Options) => orTrouble(check(options)))
}

const collect = (text: string, before: readonly string[]): string[] => [...before, text]

async function check(options: Options): Promise<void> {
  if (options.store === 'local' && !existsSync(join(options.data, 'format'))) {
    throw new Trouble(`there is no data in ${options.data}; name its folder with --data, or --store aws`)
  }
  const { stores, clock, bringBack } = await openStores({ ...options, memory: false })
  try {
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
  } catch (error) {
    throw error instanceof KafkaError ? new Trouble(error.message) : error
  } finally {
    await stores.close()
  }
}

const figures = ({ partitions, segments, chunks, blobs, records, bytes }: Looked): string =>
  `${partitions} partitions, ${segments} segments, ${chunks} chunks, ${blobs} blobs, ${records} records, ${bytes} bytes`
