/**
 * How far the sweep has come.
 *
 *   v, rev     1; eight random bytes in hex, new at every save: of two sweeps at once, the first to save decides
 *   lookedMs   when it was last looked whether a pass is due     passMs   when the last pass began
 *   written    how many offsets all partitions together had taken then
 *   fromMs     of all blob objects made before, none is left     toMs     the open pass goes up to here; 0: none is open
 *   atMs       blob objects made before have been looked at in the open pass
 *   keptMs     when the oldest was made that was kept in it
 *   itemsMs    blob items made before have been looked at (whole hours)
 *   left       hours of those with items that were named then, and forget nothing by themselves
 */
import { requireFormat } from '../log/format.ts'
import { maintenanceKey } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { absent, equals, set } from '../store/items.ts'

const sweepFormat = 1
const key = maintenanceKey('sweep')

export type SweepState = {
  readonly rev: string | undefined
  readonly lookedMs: number
  readonly passMs: number
  readonly written: number
  readonly fromMs: number
  readonly toMs: number
  readonly atMs: number
  readonly keptMs: number
  readonly itemsMs: number
  readonly left: readonly number[]
}

const numbers = ['lookedMs', 'passMs', 'written', 'fromMs', 'toMs', 'atMs', 'keptMs', 'itemsMs'] as const

/** `undefined`: nothing was ever swept. @throws StoreError */
export async function readSweep(core: Core): Promise<SweepState | undefined> {
  const item = await core.items.get(key)
  if (!item) return undefined
  requireFormat('sweep', key.sk, item.v, sweepFormat)
  const number = (name: (typeof numbers)[number]) => Number(item[name])
  return {
    rev: String(item.rev),
    lookedMs: number('lookedMs'),
    passMs: number('passMs'),
    written: number('written'),
    fromMs: number('fromMs'),
    toMs: number('toMs'),
    atMs: number('atMs'),
    keptMs: number('keptMs'),
    itemsMs: number('itemsMs'),
    left: Array.isArray(item.left) ? item.left.map(Number) : [],
  }
}

/** `undefined`: another sweep saved meanwhile, and its word counts. @throws StoreError */
export async function saveSweep(core: Core, state: SweepState): Promise<SweepState | undefined> {
  const rev = Buffer.from(core.random.bytes(8)).toString('hex')
  const { applied } = await core.items.update(key, {
    patches: [
      set('v', sweepFormat),
      set('rev', rev),
      ...numbers.map((name) => set(name, state[name])),
      set('left', [...state.left]),
    ],
    if: state.rev === undefined ? absent('v') : equals('rev', state.rev),
  })
  return applied ? { ...state, rev } : undefined
}
