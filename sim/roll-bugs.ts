/** Bugs to plant in rolling chunks into segments and in reading them; see `bugs.ts`. */
import type { Bug } from './bugs.ts'
import type { Patch } from './bundle.ts'

const several = (name: string, caughtWithin: number, patches: readonly Patch[]): Bug => ({
  name,
  caughtWithin,
  patches,
  scene: 'rolling',
})
const bug = (name: string, caughtWithin: number, file: string, find: string, replace: string): Bug =>
  several(name, caughtWithin, [{ file, changes: [{ find, replace }] }])

export const rollBugs: readonly Bug[] = [
  several('a roll swaps without its conditions', 300, [
    { file: 'src/maintenance/roll.ts', changes: [{ find: ", if: equals('e', chunk.end) }", replace: ' }' }] },
    { file: 'src/log/segment.ts', changes: [{ find: ", if: absent('v') })", replace: ' })' }] },
    { file: 'src/maintenance/swap.ts', changes: [{ find: '[fence(lease), ...actions]', replace: 'actions' }] },
  ]),
  bug(
    'a chunk is swapped away and not copied',
    100,
    'src/maintenance/make-segment.ts',
    'chunks.flatMap(({ refs, base }) => piecesOfRefs(refs, base))',
    'chunks.slice(0, Math.max(1, chunks.length - 1)).flatMap(({ refs, base }) => piecesOfRefs(refs, base))',
  ),
  bug(
    'a blob that others need goes with the segment',
    200,
    'src/maintenance/gather.ts',
    'sole: !othersToo && taken === bytes',
    'sole: true',
  ),
  bug(
    'the chunks go, and the segment ends where the first of them did',
    100,
    'src/maintenance/make-segment.ts',
    '    end: last.end,\n    runningStamp',
    '    end: first.end,\n    runningStamp',
  ),
  bug(
    'a batch of a segment keeps the offset that its producer wrote',
    100,
    'src/log/place-batches.ts',
    '    view.setBigInt64(at + layout.baseOffset, BigInt(base))\n',
    '',
  ),
]
