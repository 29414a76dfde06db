/**
 * What nobody in a group will do, for nobody is in it any more: the schedule's look at one group. Every change is conditional on
 * what was read, so that whoever comes back in the meantime wins, and two looks at once do what one does.
 */
import { beatsRange, groupKey, groupPk } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { absent, compare, equals } from '../store/items.ts'
import type { GoneTopics } from './gone-topics.ts'
import { type Group, readGroup, settled } from './group.ts'
import { look, readMembers } from './look.ts'
import { groupNameKey, isForgotten, readName } from './names.ts'
import { type OffsetRow, offsetRows, removeRow } from './offset-rows.ts'
import { forgetGenerations } from './roster.ts'

export type Tidied = {
  readonly removedMembers: number
  readonly expiredOffsets: number
  readonly removedGroup: boolean
  /** Whether all of the group was looked at before time ran out. */
  readonly done: boolean
}

export type Tidying = {
  readonly gone: GoneTopics
  readonly timeIsUp: () => boolean
  /** Whether something else needs the group's name. */
  readonly hasInstances: () => Promise<boolean>
}

/**
 * How long a tombstone, and the generation of a group that is over, are remembered: longer than a server may sleep with a commit
 * in hand.
 */
const graveMs = 24 * 60 * 60_000
const removalsAtOnce = 16

/**
 * Removes members that died, offsets whose topic is gone or whose time is up (`offsets.retention.minutes`), tombstones of old, and
 * the group when nothing is left.
 * @throws StoreError
 */
export async function tidyGroup(core: Core, name: string, tidying: Tidying): Promise<Tidied> {
  // Read before everything that says that nothing is left: whoever makes sure of the name from here on is not overlooked.
  const namedMs = await readName(core, name)
  const removedMembers = await removeTheDead(core, name)
  const group = await readGroup(core, name)
  let expiredOffsets = 0
  let offsetsLeft = 0
  for await (const rows of offsetRows(core, name)) {
    if (tidying.timeIsUp()) return { removedMembers, expiredOffsets, removedGroup: false, done: false }
    await inParallel(removalsAtOnce, rows, async (row) => {
      const isDue = isExpired(core, group, row) || (await tidying.gone.has(row.topicId))
      if (!isDue || !(await removeRow(core, name, row))) offsetsLeft++
      else if (row.offset !== undefined) expiredOffsets++
    })
  }
  const mayGo = namedMs !== undefined && offsetsLeft === 0 && isOver(core, group, namedMs)
  const removedGroup = mayGo && !(await tidying.hasInstances()) && (await removeGroup(core, name, group, namedMs))
  return { removedMembers, expiredOffsets, removedGroup, done: true }
}

/** How many are gone after a look. */
async function removeTheDead(core: Core, name: string): Promise<number> {
  const before = await readMembers(core, name)
  if (before.length === 0) return 0
  await look(core, name)
  const after = new Set((await readMembers(core, name)).map(({ memberId }) => memberId))
  return before.filter(({ memberId }) => !after.has(memberId)).length
}

/** Offsets live as long as the group has members; then, or without any, for the retention; what holds none, for the grave's time. */
function isExpired(core: Core, group: Group, { offset, changedMs }: OffsetRow): boolean {
  if (group.state !== 'empty') return false
  const sinceMs = Math.max(changedMs, group.changedMs)
  const keptMs = offset === undefined ? graveMs : core.settings.offsetsRetentionMinutes * 60_000
  return core.clock.now() - sinceMs > keptMs
}

/** Generations begin anew when the group is gone: nothing may be left that knows of the old ones. */
const isOver = (core: Core, { rev, state, changedMs }: Group, namedMs: number): boolean =>
  isForgotten(core, namedMs) && (rev === 0 || (state === 'empty' && core.clock.now() - changedMs > graveMs))

const rowsAPage = 500

/**
 * First what the group left behind, then the group and its name, at once or not at all: a commit from outside makes sure of the
 * name before it looks at the group, a member changes the group.
 */
async function removeGroup(core: Core, name: string, { rev, generation }: Group, namedMs: number): Promise<boolean> {
  const pk = groupPk(name)
  await forgetGenerations(core, name, generation + 1)
  const beats = await settled(core, () => core.items.query({ pk, ...beatsRange, limit: rowsAPage }))
  const isOld = compare('ms', '<', core.clock.now() - graveMs)
  await inParallel(removalsAtOnce, beats, ({ sk }) => settled(core, () => core.items.delete({ pk, sk }, isOld)))
  const left = await settled(core, () => core.items.query({ pk, limit: 2 }))
  if (left.some(({ sk }) => sk !== groupKey(name).sk)) return false
  const gone = await settled(core, () =>
    core.items.transact([
      { delete: groupNameKey(name), if: equals('ms', namedMs) },
      { delete: groupKey(name), if: rev === 0 ? absent('v') : equals('rev', rev) },
    ]),
  )
  return gone.applied
}
