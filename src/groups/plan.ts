/** The assignments of a generation, as its leader sent them. Rows: slot, assignment, the slot of its neighbour in the ring. */
import { planKey } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import type { Group, Pieces } from './group.ts'
import { readAllRows, readRow, type SlotRow, writePieces } from './pieces.ts'
import type { Enrolled } from './roster.ts'

export type Planned = { readonly slot: string; readonly assignment: Uint8Array; readonly next: string }

/** A member that the leader forgot is assigned nothing: no bytes, as in Kafka. */
export function writePlan(
  core: Core,
  group: string,
  generation: number,
  roster: readonly Enrolled[],
  assignments: ReadonlyMap<string, Uint8Array>,
): Promise<Pieces> {
  const rows = roster.map(({ slot, memberId }, at): SlotRow => {
    const next = roster[(at + 1) % roster.length]?.slot ?? slot
    return [slot, assignments.get(memberId) ?? new Uint8Array(), next]
  })
  return writePieces(core, (id, piece) => planKey(group, generation, id, piece), rows)
}

const plannedIn = ([slot, assignment, next]: SlotRow): Planned => ({
  slot,
  assignment: assignment instanceof Uint8Array ? assignment : new Uint8Array(),
  next: String(next ?? slot),
})

/** `undefined`: the group has no plan, or the slot is not in it. */
export async function readPlanned(core: Core, name: string, group: Group, slot: string): Promise<Planned | undefined> {
  const { plan, generation } = group
  if (!plan) return undefined
  const row = await readRow(core, (piece) => planKey(name, generation, plan.id, piece), plan, slot)
  return row && plannedIn(row)
}

/** All of it, for who describes the group. */
export async function readPlan(core: Core, name: string, group: Group): Promise<Planned[]> {
  const { plan, generation } = group
  if (!plan) return []
  return (await readAllRows(core, (piece) => planKey(name, generation, plan.id, piece), plan)).map(plannedIn)
}
