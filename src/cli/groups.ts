import { Command, InvalidArgumentError } from 'commander'
import { deleteGroup } from '../groups/admin.ts'
import { assignedPartitions, describeGroup, listGroups } from '../groups/describe.ts'
import { groupLags } from '../groups/lag.ts'
import { type ResetScope, type ResetTarget, resetOffsets } from '../groups/reset.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { defaultSettings } from '../runtime/settings.ts'
import { localCore } from '../server/local-handlers.ts'
import { collect, overStored, type StoredOptions, withStoredOptions } from './stored.ts'
import { table } from './table.ts'
import { Trouble } from './trouble.ts'

type Common = StoredOptions & { readonly json: boolean }

/** `millrace groups`: consumer groups of a deployment, or of a data folder that no server has open. */
export function groupsCommand(): Command {
  const groups = new Command('groups').description('list, describe, delete and reset consumer groups')
  const command = (name: string, description: string) =>
    withStoredOptions(new Command(name).description(description)).option('--json', 'print JSON', false)
  return groups
    .addCommand(
      command('list', 'all groups and their states').action((options: Common) =>
        withCore(options, (core) => list(core, options)),
      ),
    )
    .addCommand(
      command('describe', 'members of a group, and how far it is behind')
        .argument('<group>')
        .action((group: string, options: Common) => withCore(options, (core) => describe(core, group, options))),
    )
    .addCommand(
      command('delete', 'delete groups that nobody is in, and all they have committed')
        .argument('<group...>')
        .action((names: string[], options: Common) => withCore(options, (core) => remove(core, names, options))),
    )
    .addCommand(withResetOptions(command('reset-offsets', 'move the offsets of a group that nobody is in')))
}

const withCore = (options: Common, use: (core: Core) => Promise<string>): Promise<void> =>
  overStored(options, async ({ stores, clock }) => {
    process.stdout.write(await use(localCore(stores, clock, defaultSettings)))
  })

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

async function list(core: Core, options: Common): Promise<string> {
  const groups = await listGroups(core)
  if (options.json) return json(groups)
  return table(
    ['GROUP', 'STATE', 'TYPE', 'ASSIGNOR'],
    groups.map(({ group, state, protocolType, protocol }) => [group, state, protocolType || '-', protocol || '-']),
  )
}

async function describe(core: Core, group: string, options: Common): Promise<string> {
  const [description, lags] = await Promise.all([describeGroup(core, group), groupLags(core, group)])
  const { state, protocolType, protocol, generation } = description
  const members = description.members.map((member) => {
    const { memberId, instanceId, clientId, clientHost } = member
    return { memberId, instanceId, clientId, clientHost, assignment: assignedPartitions(member) }
  })
  const offsets = lags.map(({ owner, ...lag }) => ({ ...lag, memberId: owner?.memberId }))
  if (options.json) return json({ group, state, protocolType, protocol, generation, members, offsets })
  const head = table(['GROUP', 'STATE', 'ASSIGNOR', 'GENERATION'], [[group, state, protocol || '-', generation]])
  const who = table(
    ['MEMBER', 'INSTANCE', 'CLIENT', 'HOST', 'PARTITIONS'],
    members.map((one) => [one.memberId, one.instanceId ?? '-', one.clientId, one.clientHost, one.assignment.length]),
  )
  const where = table(
    ['TOPIC', 'PARTITION', 'CURRENT', 'END', 'LAG', 'MEMBER'],
    offsets.map((one) => [one.topic, one.partition, one.currentOffset, one.logEndOffset, one.lag, one.memberId ?? '-']),
  )
  return [head, ...(members.length > 0 ? [who] : []), ...(offsets.length > 0 ? [where] : [])].join('\n')
}

/** One group that cannot be deleted does not keep the others. */
async function remove(core: Core, names: readonly string[], options: Common): Promise<string> {
  const deleted: string[] = []
  for (const name of names) {
    try {
      await deleteGroup(core, name)
      deleted.push(name)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      process.stderr.write(`millrace: ${error.message}\n`)
      process.exitCode = 1
    }
  }
  return options.json ? json({ deleted }) : deleted.map((name) => `deleted ${name}\n`).join('')
}

type ResetOptions = Common & {
  readonly topic: readonly string[]
  readonly allTopics: boolean
  readonly toEarliest?: true
  readonly toLatest?: true
  readonly toOffset?: number
  readonly toDatetime?: number
  readonly shiftBy?: number
  readonly execute: boolean
}

function withResetOptions(command: Command): Command {
  return command
    .argument('<group>')
    .option('--topic <name[:0,1]>', 'a topic, or some of its partitions; may be repeated', collect, [])
    .option('--all-topics', 'everything the group has committed', false)
    .option('--to-earliest', 'the beginning of the log')
    .option('--to-latest', 'the end of the log')
    .option('--to-offset <n>', 'this offset, or the nearest that there is', integer)
    .option('--to-datetime <time>', 'the first record at or after a time, as 2026-01-31T12:00:00Z', time)
    .option('--shift-by <n>', 'so many records on; back where negative', integer)
    .option('--execute', 'do it; without, only show what would be done', false)
    .action((group: string, options: ResetOptions) => withCore(options, (core) => reset(core, group, options)))
}

function integer(text: string): number {
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Not a whole number.')
}

function time(text: string): number {
  const timestampMs = Date.parse(text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(timestampMs)) return timestampMs
  throw new InvalidArgumentError('Not a time as 2026-01-31T12:00:00Z.')
}

async function reset(core: Core, group: string, options: ResetOptions): Promise<string> {
  const done = await resetOffsets(core, group, targetOf(options), scopeOf(options), { dryRun: !options.execute })
  if (options.json) return json({ group, executed: options.execute, offsets: done })
  const rows = done.map(({ topic, partition, from, to }) => [topic, partition, from ?? '-', to])
  const hint = options.execute ? '' : '\nNothing was changed: --execute does it.\n'
  return table(['TOPIC', 'PARTITION', 'CURRENT', 'NEW'], rows) + hint
}

function targetOf({ toEarliest, toLatest, toOffset, toDatetime, shiftBy }: ResetOptions): ResetTarget {
  const targets: ResetTarget[] = [
    ...(toEarliest ? (['earliest'] as const) : []),
    ...(toLatest ? (['latest'] as const) : []),
    ...(toOffset === undefined ? [] : [{ offset: toOffset }]),
    ...(toDatetime === undefined ? [] : [{ timestampMs: toDatetime }]),
    ...(shiftBy === undefined ? [] : [{ shiftBy }]),
  ]
  const [target, ...others] = targets
  if (target !== undefined && others.length === 0) return target
  throw new Trouble('choose one of --to-earliest, --to-latest, --to-offset, --to-datetime and --shift-by')
}

function scopeOf({ topic, allTopics }: ResetOptions): ResetScope {
  if (allTopics === topic.length > 0) throw new Trouble('choose --all-topics or some --topic')
  if (allTopics) return 'committed'
  return topic.map((text) => {
    const [name = '', list] = text.split(':')
    if (list === undefined) return { topic: name }
    if (!/^\d{1,9}(,\d{1,9})*$/.test(list))
      throw new Trouble(`--topic ${text}: partitions stand behind the colon as 0,1,2`)
    return { topic: name, partitions: list.split(',').map(Number) }
  })
}
