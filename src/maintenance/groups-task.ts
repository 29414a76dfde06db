/**
 * One pass over all groups, shard by shard of their names, spread over as many runs as it takes. A pass begins when the last one
 * is ten minutes old (Kafka's `offsets.retention.check.interval.ms`); between passes a run costs one small read.
 */
import { type GoneTopics, goneTopics } from '../groups/gone-topics.ts'
import { tidyGroup } from '../groups/tidy.ts'
import { expireInstances } from '../http/consumers/ending.ts'
import { consumersPk, groupNameShards, groupNamesPk } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { type Cursor, readCursor, saveCursor } from './cursor.ts'

const task = 'groups'
const passEveryMs = 10 * 60_000
const groupsAPage = 100
const groupsAtOnce = 8
/** What a run that dies may have to do again. */
const saveEveryMs = 5_000

export type GroupsReport = {
  groupsLooked: number
  removedMembers: number
  expiredOffsets: number
  removedInstances: number
  removedGroups: number
  /** Groups that could not be looked at for an error of their own; the pass goes on without them. */
  failedGroups: number
  /** The first such error. */
  error?: unknown
  /** How long ago the last pass that came to its end began. */
  backlogMs: number
  /** The pass has not come to its end. */
  more: boolean
}

export async function maintainGroups(core: Core, timeIsUp: () => boolean): Promise<GroupsReport> {
  const report: GroupsReport = {
    groupsLooked: 0,
    removedMembers: 0,
    expiredOffsets: 0,
    removedInstances: 0,
    removedGroups: 0,
    failedGroups: 0,
    backlogMs: 0,
    more: false,
  }
  const found = await readCursor(core, task)
  const nowMs = core.clock.now()
  if (!found.open && nowMs - found.passMs < passEveryMs && nowMs >= found.passMs) return behind(core, report, found)
  const opened = found.open ? found : { ...found, passMs: nowMs, open: true, at: '' }
  return behind(core, report, await pass(core, opened, timeIsUp, report))
}

const behind = (core: Core, report: GroupsReport, cursor: Cursor): GroupsReport => ({
  ...report,
  backlogMs: Math.max(0, core.clock.now() - cursor.doneMs),
  more: cursor.open,
})

/** Goes on from the cursor until the last shard is done or time is up; saves how far it came. */
async function pass(core: Core, from: Cursor, timeIsUp: () => boolean, report: GroupsReport): Promise<Cursor> {
  const gone = goneTopics(core)
  let cursor = from
  let savedAtMs = core.clock.uptime()
  let { shard, after } = placeOf(cursor.at)
  while (shard < groupNameShards) {
    const names = await core.items.query({ pk: groupNamesPk(shard), from: `${after}\0`, limit: groupsAPage })
    const groups = names.map(({ sk }) => sk)
    const done = await inParallel(groupsAtOnce, groups, (group) => lookAt(core, group, gone, timeIsUp, report))
    // Where time ran out the next run begins with the first group that is not done.
    const firstOpen = done.indexOf(false)
    after = (firstOpen < 0 ? groups.at(-1) : groups[firstOpen - 1]) ?? after
    if (firstOpen < 0 && groups.length < groupsAPage) {
      shard++
      after = ''
    }
    cursor = { ...cursor, at: `${shard}/${after}` }
    if (firstOpen >= 0 || timeIsUp()) break
    if (core.clock.uptime() - savedAtMs < saveEveryMs) continue
    const saved = await saveCursor(core, task, cursor)
    // Another run is at work, and further or not: its word counts.
    if (!saved) return readCursor(core, task)
    cursor = saved
    savedAtMs = core.clock.uptime()
  }
  if (shard >= groupNameShards) cursor = { ...cursor, open: false, doneMs: cursor.passMs, at: '' }
  return (await saveCursor(core, task, cursor)) ?? readCursor(core, task)
}

function placeOf(at: string): { shard: number; after: string } {
  const slash = at.indexOf('/')
  return slash < 0 ? { shard: 0, after: '' } : { shard: Number(at.slice(0, slash)), after: at.slice(slash + 1) }
}

/** `false`: time ran out before the group was done. */
async function lookAt(
  core: Core,
  group: string,
  gone: GoneTopics,
  timeIsUp: () => boolean,
  report: GroupsReport,
): Promise<boolean> {
  if (timeIsUp()) return false
  try {
    report.removedInstances += await expireInstances(core, group)
    const tidied = await tidyGroup(core, group, { gone, timeIsUp, hasInstances: () => hasInstances(core, group) })
    report.removedMembers += tidied.removedMembers
    report.expiredOffsets += tidied.expiredOffsets
    if (tidied.removedGroup) report.removedGroups++
    report.groupsLooked++
    return tidied.done
  } catch (error) {
    report.failedGroups++
    report.error ??= error
    return true
  }
}

const hasInstances = async (core: Core, group: string): Promise<boolean> =>
  (await core.items.query({ pk: consumersPk(group), limit: 1 })).length > 0
