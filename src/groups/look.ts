/**
 * A look: reads every member and every beat, removes the dead, and opens or closes a round where that is due. No timer fires
 * here, so looks are what the living do while they wait, a newcomer does before it is refused, and the schedule does at leisure.
 */
import { beatKey, beatsRange, groupPk, membersRange } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { all, equals, type Row, set } from '../store/items.ts'
import { type Beat, beatIn, removeMember } from './beat.ts'
import { changeGroup, type Group, patchGroup, readGroup, settled } from './group.ts'
import { type Member, memberIn } from './member.ts'
import { forgetGenerations, writeRoster } from './roster.ts'
import { closed, isDead, lookAt, lookEveryMs, opened } from './round.ts'

const rowsAPage = 500
const removalsAtOnce = 16
/** Each turn is another's change in between; a look is a hint that is taken up again a second later. */
const turnsMax = 8

/** Looks until nothing is left to do. @throws StoreError */
export async function look(core: Core, name: string): Promise<void> {
  for (let turn = 0; turn < turnsMax; turn++) {
    if (!(await lookOnce(core, name))) return
  }
}

/** The look of one among many who wait: whoever claims it looks, for all. */
export async function lookInTurn(core: Core, name: string, group: Group): Promise<void> {
  const now = core.clock.now()
  if (now < group.lookMs) return
  const asSeen = all(
    equals('lookMs', group.lookMs),
    equals('state', group.state),
    equals('generation', group.generation),
  )
  const claimed = await patchGroup(core, name, [set('lookMs', now + lookEveryMs)], asSeen)
  if (claimed) await look(core, name)
}

/** True: something was done or somebody came in between, so that it is worth looking again. */
async function lookOnce(core: Core, name: string): Promise<boolean> {
  const group = await readGroup(core, name)
  const [members, beats] = await Promise.all([readMembers(core, name), readBeats(core, name)])
  const alive = await withoutTheDead(core, name, members, beats)
  if (!alive) return true
  const now = core.clock.now()
  const found = lookAt(group, alive, now)
  if (found.so === 'wait') return false
  if (found.so === 'recount') {
    const { expected, joined } = found
    return !(await changeGroup(core, name, group, { ...group, expected, joined }))
  }
  const late = await removeAll(core, name, found.givenUp, () => 'any beat')
  if (!late) return true
  if (found.so === 'open') {
    const isOpen = await changeGroup(core, name, group, opened(group, found.expected, now))
    return !isOpen || found.expected === 0
  }
  const roster =
    found.members.length > 0 ? await writeRoster(core, name, group.generation + 1, found.members) : undefined
  const done = await changeGroup(core, name, group, closed(group, found.members, roster, now))
  if (done?.state === 'empty') await forgetGenerations(core, name, done.generation)
  return !done
}

/** `undefined`: one of them has been heard of meanwhile. */
async function withoutTheDead(
  core: Core,
  name: string,
  members: readonly Member[],
  beats: ReadonlyMap<string, Beat>,
): Promise<Member[] | undefined> {
  const now = core.clock.now()
  const dead = members.filter((member) => isDead(member, beats.get(member.slot), now))
  await removeLoneBeats(core, name, members, beats, now)
  const removed = await removeAll(core, name, dead, ({ slot }) => beats.get(slot))
  return removed ? members.filter((member) => !dead.includes(member)) : undefined
}

/** A member that was removed while it joined may leave a beat behind. */
async function removeLoneBeats(
  core: Core,
  name: string,
  members: readonly Member[],
  beats: ReadonlyMap<string, Beat>,
  now: number,
): Promise<void> {
  const slots = new Set(members.map(({ slot }) => slot))
  const lone = [...beats].filter(([slot, { ms, sessionMs }]) => !slots.has(slot) && now - ms > sessionMs)
  await inParallel(removalsAtOnce, lone, ([slot, { ms }]) =>
    settled(core, () => core.items.delete(beatKey(name, slot), equals('ms', ms))),
  )
}

async function removeAll(
  core: Core,
  name: string,
  members: readonly Member[],
  beatOf: (member: Member) => Beat | undefined | 'any beat',
): Promise<boolean> {
  const removed = await inParallel(removalsAtOnce, members, (member) =>
    removeMember(core, name, member, beatOf(member)),
  )
  return removed.every(Boolean)
}

/** Every member of the group, also those that joined too late for its generation. */
export async function readMembers(core: Core, name: string): Promise<Member[]> {
  const rows = await readRows(core, name, membersRange)
  return rows.flatMap(({ sk, item }) => memberIn(sk.slice(membersRange.from.length), item) ?? [])
}

async function readBeats(core: Core, name: string): Promise<Map<string, Beat>> {
  const rows = await readRows(core, name, beatsRange)
  const beats = rows.flatMap(({ sk, item }) => {
    const slot = sk.slice(beatsRange.from.length)
    const beat = beatIn(slot, item)
    return beat ? [[slot, beat] as const] : []
  })
  return new Map(beats)
}

async function readRows(core: Core, name: string, range: { readonly from: string; readonly to: string }) {
  const rows: Row[] = []
  for (;;) {
    const last = rows.at(-1)
    const from = last ? `${last.sk}\0` : range.from
    const page = await settled(core, () =>
      core.items.query({ pk: groupPk(name), from, to: range.to, limit: rowsAPage }),
    )
    rows.push(...page)
    if (page.length < rowsAPage) return rows
  }
}
