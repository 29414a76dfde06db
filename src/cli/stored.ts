import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, Option } from 'commander'
import { KafkaError } from '../protocol/errors.ts'
import { type OpenedStores, openStores, type StoreOptions } from './stores.ts'
import { orTrouble, Trouble } from './trouble.ts'

/** Where the data lies that a command looks at or works on: a deployment, or a folder that no server has open. */
export type StoredOptions = Omit<StoreOptions, 'memory' | 'mustExist'>

export const withStoredOptions = (command: Command): Command =>
  command
    .option('--data <dir>', 'folder of the data, not in use', '.millrace')
    .addOption(new Option('--store <kind>', 'where the data lives').choices(['local', 'aws']).default('local'))
    .option('--table <name>', 'DynamoDB table (--store aws)')
    .option('--bucket <name>', 'S3 bucket (--store aws)')

/** Runs a command's work over what is stored. It must be there already: nothing is made for a name that was mistyped. */
export const overStored = (options: StoredOptions, work: (opened: OpenedStores) => Promise<void>): Promise<void> =>
  orTrouble(workOver(options, work))

async function workOver(options: StoredOptions, work: (opened: OpenedStores) => Promise<void>): Promise<void> {
  if (options.store === 'local' && !existsSync(join(options.data, 'format'))) {
    throw new Trouble(`there is no data in ${options.data}; name its folder with --data, or --store aws`)
  }
  const opened = await openStores({ ...options, memory: false, mustExist: true })
  try {
    await work(opened)
  } catch (error) {
    throw error instanceof KafkaError ? new Trouble(error.message) : error
  } finally {
    await opened.stores.close()
  }
}

/** A parser for an option that may be given several times. */
export const collect = (text: string, before: readonly string[]): string[] => [...before, text]
