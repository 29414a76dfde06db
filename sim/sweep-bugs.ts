/** Bugs to plant in the sweep of blobs and segments that nobody names; see `bugs.ts`. */
import type { Bug } from './bugs.ts'
import type { Patch } from './bundle.ts'

const several = (name: string, caughtWithin: number, ...patches: readonly Patch[]): Bug => ({
  name,
  caughtWithin,
  patches,
  scene: 'sweeping',
})
const patch = (file: string, ...changes: Patch['changes']): Patch => ({ file, changes })

/** Once a day is too seldom for what takes two runs that fail. Sound by itself. */
const atEveryTurn = {
  find: 'return sweptTo > 0 || nowMs - sweptMs >= (rolled === sweptRolled ? 7 * dayMs : dayMs)',
  replace: 'return nowMs - sweptMs >= dayMs - dayMs + sweptTo + sweptRolled - sweptRolled',
}

export const sweepBugs: readonly Bug[] = [
  several(
    'a fresh blob is swept',
    300,
    patch('src/maintenance/sweep.ts', {
      find: 'export const sweepAgeMs = 60 * 60_000',
      replace: 'export const sweepAgeMs = 0',
    }),
    patch('src/maintenance/named-blobs.ts', {
      find: 'stampAt(topic.era, births.toMs + blobServesMs)',
      replace: 'stampAt(topic.era, births.toMs + 0 * blobServesMs)',
    }),
  ),
  several(
    'blobs are swept, and no horizon is raised',
    200,
    patch('src/maintenance/named-blobs.ts', {
      find: 'if (!head || head.horizon >= lastStamp) return head',
      replace: 'if (!head || head.horizon >= 0) return head',
    }),
  ),
  several(
    'the index is marked before the head',
    200,
    patch('src/maintenance/named-blobs.ts', {
      find: `  const heads = await readHeads(core, ids)
  await inParallel(indexesAtOnce, ids, async (id, at) => {
    const head = await closedTo(core, id, heads[at], lastStamp)
    if (!head) return
    for (const ref of tailRefs(head)) note(ref)
    await noteIndex(core, id, firstStampOf(topic, births), note)
  })
`,
      replace: `  await inParallel(indexesAtOnce, ids, (id) => noteIndex(core, id, firstStampOf(topic, births), note))
  const heads = await readHeads(core, ids)
  await inParallel(indexesAtOnce, ids, async (id, at) => {
    const head = await closedTo(core, id, heads[at], lastStamp)
    if (!head) return
    for (const ref of tailRefs(head)) note(ref)
  })
`,
    }),
  ),
  several(
    'blob objects that nobody names stay',
    100,
    patch('src/maintenance/sweep.ts', {
      find: '!named.has(lastPart(key)) && modifiedMs < youngMs',
      replace: '!named.has(lastPart(key)) && modifiedMs < youngMs - 1e15',
    }),
  ),
  several(
    'hours of blob items are looked at once, and never again',
    100,
    patch('src/maintenance/sweep.ts', {
      find: 'const left = kept > 0 ? [...state.left, hour].slice(-leftMost) : state.left',
      replace: 'const left = kept > 0 ? [...state.left].slice(-leftMost) : state.left',
    }),
  ),
  several(
    'a segment that is named is swept',
    50,
    patch('src/maintenance/sweep-segments.ts', {
      find: '    return !unclean.some((segment)',
      replace: '    named.clear()\n    return !unclean.some((segment)',
    }),
  ),
  several(
    'segments are swept, and whoever slept may still put his into the index',
    600,
    patch('src/maintenance/sweep-segments.ts', atEveryTurn),
    patch('src/maintenance/swap.ts', { find: '[fence(lease), ...actions]', replace: 'actions' }),
  ),
]
