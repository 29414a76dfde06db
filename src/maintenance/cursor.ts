/**
 * How far a task of the schedule has come: one item a task, so that a run goes on where the last one stopped.
 *
 *   v        1
 *   rev      eight random bytes in hex, new at every save: of two runs at once, the first to save decides
 *   passMs   when the pass that is open, or was last, began
 *   open     whether that pass has not come to its end
 *   doneMs   when the last pass that came to its end began: nothing is known to be older than that, unlooked at
 *   at       where to go on, in the task's own words
 *   left     whether what lies before `at` has more to do, so that another round follows
 */
import { requireFormat } from '../log/format.ts'
import { maintenanceKey } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { absent, equals, set } from '../store/items.ts'

const cursorFormat = 1

export type Cursor = {
  readonly rev: string | undefined
  readonly passMs: number
  readonly open: boolean
  readonly doneMs: number
  readonly at: string
  readonly left: boolean
}

/** The cursor as last saved. A task that never ran is all behind, from now on. @throws StoreError */
export async function readCursor(core: Core, task: string): Promise<Cursor> {
  const key = maintenanceKey(task)
  const item = await core.items.get(key)
  if (!item) return { rev: undefined, passMs: 0, open: false, doneMs: core.clock.now(), at: '', left: false }
  requireFormat('maintenance cursor', task, item.v, cursorFormat)
  return {
    rev: String(item.rev),
    passMs: Number(item.passMs),
    open: item.open === true,
    doneMs: Number(item.doneMs),
    at: String(item.at),
    left: item.left === true,
  }
}

/** Saves, and gives the cursor to go on with; `undefined` where another run saved since: what it says counts. @throws StoreError */
export async function saveCursor(core: Core, task: string, cursor: Cursor): Promise<Cursor | undefined> {
  const rev = Buffer.from(core.random.bytes(8)).toString('hex')
  const { applied } = await core.items.update(maintenanceKey(task), {
    patches: [
      set('v', cursorFormat),
      set('rev', rev),
      set('passMs', cursor.passMs),
      set('open', cursor.open),
      set('doneMs', cursor.doneMs),
      set('at', cursor.at),
      set('left', cursor.left),
    ],
    if: cursor.rev === undefined ? absent('v') : equals('rev', cursor.rev),
  })
  return applied ? { ...cursor, rev } : undefined
}
