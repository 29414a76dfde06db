/**
 * Where the schedule goes on in a partition, so that looking at one with nothing to do costs nothing but its head. A hint: what is
 * missing or stale here costs a longer look, and nothing else.
 *
 *   v  1
 *   rolled     the index holds segments up to this offset (chunks too large to be rolled aside)
 *   settled    where the tail began when chunks were last looked at    settledMs  when that was
 *   rollMs     there may be chunks to roll from then on, though the tail has not moved since
 *   merged     how far it was rolled when the newest segments were last looked at for merging
 *   cleaned    segments below this offset have been cleaned up after
 *   cleanMs    there may be something to clean up from then on
 *   retainStart, retainVersion   the log's start and the version of the configs when retention last looked
 *   retainMs, retainBytes        when, and at how many bytes in the log, its first entry goes
 *   goneTo, goneMs               what ends here or before was below the log's start at that time
 *   removed                      and has been removed up to here
 *   producersMs   producers are looked through from then on for those to be forgotten
 *   sweptMs, sweptRolled   when segment objects were last swept, and `rolled` then     sweptTo   those below this base are, of a sweep under way
 *   compacted, compactVersion   how far it was rolled, and the version of the configs, when compaction last looked
 *   compactMs  there may be something to compact from then on, though nothing was rolled since
 *   workedMs   when it was last worked on
 *   aheadMs    since when the head announces configs that the topic does not have; 0 where it does not
 */
import { requireFormat } from '../log/format.ts'
import { type PartitionId, upkeepKey, upkeepPk } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { type Item, set } from '../store/items.ts'

const upkeepFormat = 1
export const never = Number.MAX_SAFE_INTEGER
const rowsAPage = 1_000

export type Upkeep = {
  readonly rolled: number
  readonly settled: number
  readonly settledMs: number
  readonly rollMs: number
  readonly merged: number
  readonly cleaned: number
  readonly cleanMs: number
  readonly retainStart: number
  readonly retainVersion: number
  readonly retainMs: number
  readonly retainBytes: number
  readonly goneTo: number
  readonly goneMs: number
  readonly removed: number
  readonly workedMs: number
  readonly aheadMs: number
  readonly sweptMs: number
  readonly sweptRolled: number
  readonly sweptTo: number
  readonly producersMs: number
  readonly compacted: number
  readonly compactVersion: number
  readonly compactMs: number
}

const fresh: Upkeep = {
  rolled: 0,
  settled: 0,
  settledMs: 0,
  rollMs: never,
  merged: 0,
  cleaned: 0,
  cleanMs: never,
  retainStart: 0,
  retainVersion: -1,
  retainMs: 0,
  retainBytes: 0,
  goneTo: 0,
  goneMs: 0,
  removed: 0,
  workedMs: 0,
  aheadMs: 0,
  sweptMs: 0,
  sweptRolled: 0,
  sweptTo: 0,
  producersMs: 0,
  compacted: 0,
  compactVersion: -1,
  compactMs: never,
}
// Object.keys forgets the keys that the literal has.
const names = Object.keys(fresh) as (keyof Upkeep)[]

/** Of the partitions of a topic, by partition; those that nothing was ever done to get a fresh one. @throws StoreError */
export async function readUpkeep(core: Core, topicId: string): Promise<(partition: number) => Upkeep> {
  const known = new Map<number, Upkeep>()
  for (let after = ''; ; ) {
    const rows = await core.items.query({ pk: upkeepPk(topicId), from: `${after}\0`, limit: rowsAPage })
    for (const { sk, item } of rows) known.set(Number(sk), upkeepOf(topicId, item))
    if (rows.length < rowsAPage) return (partition) => known.get(partition) ?? fresh
    after = rows.at(-1)?.sk ?? after
  }
}

/** Of one partition. @throws StoreError */
export async function readUpkeepOf(core: Core, id: PartitionId): Promise<Upkeep> {
  const item = await core.items.get(upkeepKey(id))
  return item ? upkeepOf(id.topicId, item) : fresh
}

function upkeepOf(topicId: string, item: Item): Upkeep {
  requireFormat('upkeep', upkeepPk(topicId), item.v, upkeepFormat)
  return Object.fromEntries(names.map((name) => [name, Number(item[name] ?? fresh[name])])) as Upkeep // All its names, each a number.
}

/** Writes what has changed. Two at once: the last one's hint stays. @throws StoreError */
export async function saveUpkeep(core: Core, id: PartitionId, before: Upkeep, after: Upkeep): Promise<void> {
  const changed = names.filter((name) => before[name] !== after[name])
  if (changed.length === 0) return
  const patches = [set('v', upkeepFormat), ...changed.map((name) => set(name, after[name]))]
  await core.items.update(upkeepKey(id), { patches })
}
