/** Who is in a generation: the truth that a round closes with. Rows: slot, member id. */
import { groupPk, plansBefore, rosterKey, rostersBefore } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { type Group, type Pieces, settled } from './group.ts'
import type { Member } from './member.ts'
import { readAllRows, readRow, writePieces } from './pieces.ts'

export type Enrolled = { readonly slot: string; readonly memberId: string }

export function writeRoster(
  core: Core,
  group: string,
  generation: number,
  members: readonly Member[],
): Promise<Pieces> {
  const rows = members.map(({ slot, memberId }) => [slot, memberId] as const)
  return writePieces(core, (id, piece) => rosterKey(group, generation, id, piece), rows)
}

export async function isEnrolled(core: Core, name: string, group: Group, slot: string): Promise<boolean> {
  const { roster, generation } = group
  if (!roster) return false
  const row = await readRow(core, (piece) => rosterKey(name, generation, roster.id, piece), roster, slot)
  return row !== undefined
}

/** Everyone in the group's generation, in the order of their slots: the ring of neighbours. */
export async function readRoster(core: Core, name: string, group: Group): Promise<Enrolled[]> {
  const { roster, generation } = group
  if (!roster) return []
  const rows = await readAllRows(core, (piece) => rosterKey(name, generation, roster.id, piece), roster)
  const enrolled = rows.map(([slot, memberId]) => ({ slot, memberId: String(memberId) }))
  return enrolled.sort((a, b) => (a.slot < b.slot ? -1 : 1))
}

const rowsAtOnce = 100
const deletesAtOnce = 16

/** Deletes rosters and plans that no member can be reading any more, also those that lost a race. */
export async function forgetGenerations(core: Core, name: string, before: number): Promise<void> {
  for (const range of [rostersBefore(before), plansBefore(before)]) {
    const pk = groupPk(name)
    const rows = await settled(core, () => core.items.query({ pk, ...range, limit: rowsAtOnce }))
    await inParallel(deletesAtOnce, rows, ({ sk }) => settled(core, () => core.items.delete({ pk, sk })))
  }
}
