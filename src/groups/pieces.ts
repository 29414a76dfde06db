/**
 * Rows of a generation, by slot, in items of some 4 KB: a member that looks for its own row reads one of them, however large
 * the group. Written once under a fresh id and true only when the group item names that id.
 *
 *   v 1   rows [[slot, …], …]
 */
import { requireFormat } from '../log/format.ts'
import { murmur2 } from '../protocol/murmur2.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { type Item, type Key, set, type Value } from '../store/items.ts'
import { limits } from '../store/limits.ts'
import { valueBytes } from '../store/sizes.ts'
import { newMark, type Pieces, settled } from './group.ts'

const format = 1
/** What one read unit reads. */
const pieceBytes = 4_000
const piecesMax = 1_000
const atOnce = 16

export type SlotRow = readonly [slot: string, ...rest: Value[]]

const pieceOf = (slot: string, count: number): number => (murmur2(Buffer.from(slot)) >>> 0) % count

export async function writePieces(core: Core, keyOf: (id: string, piece: number) => Key, rows: readonly SlotRow[]) {
  const bytes = rows.reduce((sum, row) => sum + valueBytes(row), 0)
  const count = Math.min(piecesMax, Math.max(1, Math.ceil(bytes / pieceBytes)))
  const pieces: SlotRow[][] = Array.from({ length: count }, () => [])
  for (const row of rows) pieces[pieceOf(row[0], count)]?.push(row)
  const id = newMark(core)
  await inParallel(atOnce, pieces, (held, piece) => {
    const update = { patches: [set('v', format), set('rows', held)] }
    return settled(core, () => core.items.update(keyOf(id, piece), update))
  })
  return { id, count } satisfies Pieces
}

/** The row of one slot. */
export async function readRow(core: Core, keyOf: (piece: number) => Key, { count }: Pieces, slot: string) {
  const key = keyOf(pieceOf(slot, count))
  const item = await settled(core, () => core.items.get(key))
  return rowsIn(key, item).find(([found]) => found === slot)
}

export async function readAllRows(core: Core, keyOf: (piece: number) => Key, { count }: Pieces): Promise<SlotRow[]> {
  const keys = Array.from({ length: count }, (_, piece) => keyOf(piece))
  const pages: Key[][] = []
  for (let from = 0; from < count; from += limits.batchGetKeys) pages.push(keys.slice(from, from + limits.batchGetKeys))
  const items = await inParallel(atOnce, pages, (page) => settled(core, () => core.items.batchGet(page)))
  return items.flat().flatMap((item, at) => rowsIn(keys[at] ?? keyOf(at), item))
}

/** A piece may be gone: the group has moved on, and whoever reads it finds that out next. */
function rowsIn(key: Key, item: Item | undefined): SlotRow[] {
  if (!item) return []
  requireFormat('piece of a group', `${key.pk}/${key.sk}`, item.v, format)
  if (!Array.isArray(item.rows)) return []
  return item.rows.flatMap((row: Value) => {
    if (!Array.isArray(row)) return []
    const [slot, ...rest] = row
    return [[String(slot), ...rest] as const]
  })
}
