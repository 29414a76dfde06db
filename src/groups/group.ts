/**
 * The group item: what all members have to agree on, and nothing that grows with them. Under 1 KB, so that each change is one
 * write unit.
 *
 *   v            1
 *   rev          grows with every change of the state; a change names the one it follows. Begins at the clock, so that a copy
 *                from before a deletion meets another number
 *   w            who changed it last: tells a lost answer's own success from another change
 *   state        `empty`, `preparing` (a round is open), `completing` (the leader's plan is awaited), `stable`
 *   generation   the last one that formed; an open round forms the next
 *   type, protocol, common    protocol type, the chosen protocol, and the names that all members support
 *   leader, leaderSlot        its member id and its slot
 *   members      how many are in the generation
 *   expected, joined          of the open round: whose join is awaited, who has joined. A hint when to look, never the truth
 *   notBeforeMs, deadlineMs   when a round may close at the earliest; when it closes without those who did not come (of a
 *                             completing group: when the leader is given up)
 *   lookMs       when a waiting member may look next
 *   rebalanceMs  the longest rebalance time-out of its members
 *   roster, plan              [id, pieces] of the generation (roster.ts, plan.ts)
 *   changedMs    when the state last changed; of an empty group: since when it is empty
 */
import { requireFormat } from '../log/format.ts'
import { groupKey } from '../log/keys.ts'
import { untilDeadline } from '../log/retry.ts'
import type { Core } from '../runtime/core.ts'
import { absent, type Condition, equals, type Item, type Patch, remove, set, type Value } from '../store/items.ts'

const format = 1

export type GroupState = 'empty' | 'preparing' | 'completing' | 'stable'

/** Something written once in pieces, under an id of its own. */
export type Pieces = { readonly id: string; readonly count: number }

export type Group = {
  /** 0: there is no item. */
  readonly rev: number
  readonly state: GroupState
  readonly generation: number
  readonly protocolType: string
  /** '' while there is none. */
  readonly protocol: string
  readonly common: readonly string[]
  readonly leader: string
  readonly leaderSlot: string
  readonly members: number
  readonly expected: number
  readonly joined: number
  readonly notBeforeMs: number
  readonly deadlineMs: number
  readonly lookMs: number
  readonly rebalanceMs: number
  readonly roster?: Pieces
  readonly plan?: Pieces
  readonly changedMs: number
}

export const newGroup: Group = {
  rev: 0,
  state: 'empty',
  generation: 0,
  protocolType: '',
  protocol: '',
  common: [],
  leader: '',
  leaderSlot: '',
  members: 0,
  expected: 0,
  joined: 0,
  notBeforeMs: 0,
  deadlineMs: 0,
  lookMs: 0,
  rebalanceMs: 0,
  changedMs: 0,
}

/** Writes that may be repeated, and reads, for as long as an append would try. @throws StoreError */
export const settled = <T>(core: Core, call: () => Promise<T>): Promise<T> =>
  untilDeadline(core, core.clock.uptime() + core.settings.appendTimeoutMs, call)

/** Eight random bytes in hex: names a write, a roster, a plan. */
export const newMark = (core: Core): string => Buffer.from(core.random.bytes(8)).toString('hex')

/** The group as it is now; `newGroup` where there is none. @throws StoreError */
export const readGroup = async (core: Core, name: string): Promise<Group> =>
  groupIn(name, await settled(core, () => core.items.get(groupKey(name))))

/**
 * Changes the group from what was read to what it shall be. `undefined`: somebody else changed it; read it again. Also after a
 * success of its own that was lost and then followed by another's: what was decided has to be decided anew, not done twice.
 */
export async function changeGroup(core: Core, name: string, from: Group, to: Group): Promise<Group | undefined> {
  const rev = from.rev === 0 ? core.clock.now() : from.rev + 1
  const w = newMark(core)
  const update = {
    patches: [set('v', format), set('rev', rev), set('w', w), ...patches(to)],
    if: from.rev === 0 ? absent('v') : equals('rev', from.rev),
  }
  const { applied, item } = await settled(core, () => core.items.update(groupKey(name), update))
  if (!applied && item?.w !== w) return undefined
  if (from.state !== to.state || from.generation !== to.generation) wakeGroup(core, name)
  return { ...to, rev }
}

/** A change of counters that does not depend on what others did to them meanwhile. Applied twice, it does no harm. */
export async function patchGroup(core: Core, name: string, change: readonly Patch[], condition: Condition) {
  const update = { patches: change, if: condition }
  const { applied, item } = await settled(core, () => core.items.update(groupKey(name), update))
  return applied ? groupIn(name, item) : undefined
}

const wakeupKey = (name: string): string => groupKey(name).pk
export const listenToGroup = (core: Core, name: string) => core.memory.wakeups.listen([wakeupKey(name)])
const wakeGroup = (core: Core, name: string): void => core.memory.wakeups.wake(wakeupKey(name))

const packPieces = (name: string, pieces: Pieces | undefined): Patch =>
  pieces ? set(name, [pieces.id, pieces.count]) : remove(name)

function patches(group: Group): Patch[] {
  return [
    set('state', group.state),
    set('generation', group.generation),
    set('type', group.protocolType),
    set('protocol', group.protocol),
    set('common', group.common),
    set('leader', group.leader),
    set('leaderSlot', group.leaderSlot),
    set('members', group.members),
    set('expected', group.expected),
    set('joined', group.joined),
    set('notBeforeMs', group.notBeforeMs),
    set('deadlineMs', group.deadlineMs),
    set('lookMs', group.lookMs),
    set('rebalanceMs', group.rebalanceMs),
    set('changedMs', group.changedMs),
    packPieces('roster', group.roster),
    packPieces('plan', group.plan),
  ]
}

/** A group's item as read; `newGroup` of none. @throws StoreError for a format of a newer Millrace */
export function groupIn(name: string, item: Item | undefined): Group {
  if (!item) return newGroup
  requireFormat('group', name, item.v, format)
  const roster = piecesIn(item.roster)
  const plan = piecesIn(item.plan)
  return {
    rev: Number(item.rev),
    state: stateIn(item.state),
    generation: Number(item.generation),
    protocolType: String(item.type),
    protocol: String(item.protocol),
    common: Array.isArray(item.common) ? item.common.map(String) : [],
    leader: String(item.leader),
    leaderSlot: String(item.leaderSlot),
    members: Number(item.members),
    expected: Number(item.expected),
    joined: Number(item.joined),
    notBeforeMs: Number(item.notBeforeMs),
    deadlineMs: Number(item.deadlineMs),
    lookMs: Number(item.lookMs),
    rebalanceMs: Number(item.rebalanceMs),
    ...(roster && { roster }),
    ...(plan && { plan }),
    changedMs: Number(item.changedMs),
  }
}

const stateIn = (value: Value | undefined): GroupState =>
  value === 'preparing' || value === 'completing' || value === 'stable' ? value : 'empty'

function piecesIn(value: Value | undefined): Pieces | undefined {
  if (!Array.isArray(value)) return undefined
  const [id, count] = value
  return { id: String(id), count: Number(count) }
}
