/** Which faults fired where, as a table, and what should have fired and never did. */
import { readFaults, writeFaults } from './faults.ts'
import type { Totals } from './totals.ts'

/** Every store call that the log, groups and the schedule make: one that is never seen means that the workload lost its way to it. */
const sites: readonly string[] = [
  ...['head', 'jobs', 'beat', 'member', 'plan', 'roster'].map((kind) => `items.delete ${kind}`),
  'items.transact',
  ...['blob', 'head', 'index', 'jobs', 'offsets', 'once', 'producer', 'topics'].map((kind) => `items.update ${kind}`),
  ...['beat', 'group', 'groups', 'maintenance', 'member', 'plan', 'roster'].map((kind) => `items.update ${kind}`),
  'objects.put blobs',
  ...['blob', 'group', 'offsets', 'roster'].map((kind) => `items.batchGet ${kind}`),
  ...['head', 'once', 'producer', 'topics', 'beat', 'group', 'groups', 'maintenance', 'member', 'plan', 'roster'].map(
    (kind) => `items.get ${kind}`,
  ),
  ...['index', 'beat', 'consumer', 'groups', 'member', 'offsets', 'plan', 'roster', 'topics'].map(
    (kind) => `items.query ${kind}`,
  ),
  'objects.get blobs',
  // What the schedule does to logs.
  ...['blob', 'index'].map((kind) => `items.delete ${kind}`),
  ...['leases', 'upkeep'].flatMap((kind) => [`items.update ${kind}`, `items.get ${kind}`]),
  ...['jobs', 'upkeep', 'producer'].map((kind) => `items.query ${kind}`),
  ...['items.get index', 'items.batchGet head'],
  ...['put', 'get', 'delete'].map((call) => `objects.${call} segments`),
  'objects.delete blobs',
  ...['get', 'update', 'delete'].map((call) => `items.${call} compaction`),
  // The sweep, and how the schedule shares its time.
  ...['objects.list blobs', 'objects.list segments', 'objects.list clusters', 'objects.put clusters'],
  ...['blob', 'maintenance', 'leases'].map((kind) => `items.query ${kind}`),
  // Topics that are deleted, and brokers.
  'items.delete upkeep',
  ...['items.get cluster', 'items.update cluster'],
]

/** Calls that thousands of seeds may go without. */
const rareSites: readonly string[] = [
  ...['leases', 'offsets', 'producer'].map((kind) => `items.delete ${kind}`),
  ...['blob', 'jobs', 'producers'].map((kind) => `items.get ${kind}`),
  'items.update producers',
  'items.query group',
  'items.batchGet index',
]
const known = new Set([...sites, ...rareSites])

export const isRead = (site: string): boolean => /^(items|objects)\.(get|batchGet|query|list)\b/.test(site)
const faultsAt = (site: string): readonly string[] => (isRead(site) ? readFaults : writeFaults)

/** With so many faults at a site, one kind of thirteen is missing by chance once in 100,000 times. */
const faultsToHaveAll = 150

/** Sites never called, unknown ones, and `site: fault` for each that never fired although it can. */
export function neverFired({ calls, fired }: Totals): string[] {
  const firedAt = (site: string) => faultsAt(site).reduce((sum, fault) => sum + (fired.get(`${site}|${fault}`) ?? 0), 0)
  const hasEnough = (site: string) => firedAt(site) >= faultsToHaveAll
  return [
    ...sites.filter((site) => !calls.has(site)).map((site) => `${site}: never called`),
    ...[...calls.keys()].filter((site) => !known.has(site)).map((site) => `${site}: not known to sim/coverage.ts`),
    ...[...calls.keys()].filter(hasEnough).flatMap((site) =>
      faultsAt(site)
        .filter((fault) => !fired.has(`${site}|${fault}`))
        .map((fault) => `${site}: ${fault}`),
    ),
  ]
}

/** One row a fault, one column a site, numbered below. */
export function faultTable({ calls, fired }: Totals): string {
  return [false, true]
    .map((reads) =>
      tableOf(
        [...calls].filter(([site]) => isRead(site) === reads),
        fired,
      ),
    )
    .join('\n\n')
}

function tableOf(calls: readonly (readonly [string, number])[], fired: ReadonlyMap<string, number>): string {
  const columns = [...calls].sort(([a], [b]) => (a < b ? -1 : 1))
  const [first] = columns
  if (!first) return ''
  const row = (name: string, cells: readonly (number | string)[]) =>
    `  ${name.padEnd(28)}${cells.map((cell) => String(cell).padStart(9)).join('')}`
  const [verbs, kinds] = [0, 1].map((part) =>
    columns.map(([site]) => site.replace(/^\w+\./, '').split(' ')[part] ?? ''),
  )
  return [
    row(
      '',
      columns.map(([site]) => site.split('.')[0] ?? ''),
    ),
    row('', verbs ?? []),
    row('', kinds ?? []),
    row(
      'calls',
      columns.map(([, number]) => number),
    ),
    ...faultsAt(first[0]).map((fault) =>
      row(
        fault,
        columns.map(([site]) => fired.get(`${site}|${fault}`) ?? 0),
      ),
    ),
  ].join('\n')
}
