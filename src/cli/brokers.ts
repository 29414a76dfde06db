import { Command } from 'commander'
import { clusterStatus } from '../cluster/status.ts'
import { defaultSettings } from '../runtime/settings.ts'
import { localCore } from '../server/local-handlers.ts'
import { addressText } from './options.ts'
import { overStored } from './stored.ts'
import type { OpenedStores } from './stores.ts'
import { table } from './table.ts'

type Options = { readonly table: string; readonly bucket: string; readonly json: boolean }

/** `millrace brokers`: who is in the cluster over a table and a bucket. */
export function brokersCommand(): Command {
  return new Command('brokers')
    .description('list the brokers over a table and a bucket')
    .requiredOption('--table <name>', 'DynamoDB table')
    .requiredOption('--bucket <name>', 'S3 bucket')
    .option('--json', 'print JSON', false)
    .action(({ json, ...where }: Options) =>
      overStored({ ...where, store: 'aws', data: '' }, (opened) => list(opened, json)),
    )
}

async function list({ stores, clock }: OpenedStores, json: boolean): Promise<void> {
  const status = await clusterStatus(localCore(stores, clock, defaultSettings))
  const rows = status.brokers.map((one) => [
    one.nodeId,
    addressText(one),
    one.rack ?? '-',
    one.controller ? `${one.state}, controller` : one.state,
    one.leads,
    one.state === 'left' ? '-' : `${(one.silentMs / 1_000).toFixed(1)} s ago`,
  ])
  const shown = table(['NODE', 'ADDRESS', 'RACK', 'STATE', 'LEADS', 'LAST BEAT'], rows)
  process.stdout.write(json ? `${JSON.stringify(status, null, 2)}\n` : shown)
}
