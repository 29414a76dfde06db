import { Command } from 'commander'
import { restore } from '../maintenance/restore.ts'
import { defaultSettings } from '../runtime/settings.ts'
import { localCore } from '../server/local-handlers.ts'
import { openStores } from './stores.ts'
import { orTrouble, Trouble } from './trouble.ts'

type Options = { readonly table: string; readonly bucket: string; readonly execute: boolean }

/** `millrace restore`: makes a table that was restored to an earlier time a cluster of its own, and the bucket its alone. */
export function restoreCommand(): Command {
  return new Command('restore')
    .description('make a cluster of a table that was restored to an earlier time')
    .requiredOption('--table <name>', 'the restored DynamoDB table')
    .requiredOption('--bucket <name>', 'S3 bucket, which no other table may go on with')
    .option('--execute', 'do it', false)
    .action((options: Options) => orTrouble(run(options)))
}

async function run({ table, bucket, execute }: Options): Promise<void> {
  if (!execute) throw new Trouble(`nothing was changed: stop whatever else uses ${bucket}, then add --execute`)
  const { stores, clock } = await openStores({ table, bucket, store: 'aws', data: '', memory: false, mustExist: true })
  try {
    const done = await restore(localCore(stores, clock, defaultSettings))
    process.stdout.write(
      `cluster ${done.clusterId}: ${done.topics} topics, ${done.partitions} partitions, all with new epochs\n`,
    )
  } finally {
    await stores.close()
  }
}
