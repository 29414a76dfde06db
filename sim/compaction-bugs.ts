/** Bugs to plant in compaction; see `bugs.ts`. */
import type { Bug } from './bugs.ts'
import type { Patch } from './bundle.ts'

const several = (name: string, caughtWithin: number, patches: readonly Patch[]): Bug => ({
  name,
  caughtWithin,
  patches,
  scene: 'compacting',
})
const bug = (name: string, caughtWithin: number, file: string, find: string, replace: string): Bug =>
  several(name, caughtWithin, [{ file, changes: [{ find, replace }] }])

export const compactionBugs: readonly Bug[] = [
  bug(
    'compaction loses the newest record of a key',
    20,
    'src/maintenance/clean-segment.ts',
    'record.keyTo) > record.offset) return false',
    'record.keyTo) >= record.offset) return false',
  ),
  bug(
    'tombstones go as soon as they are met',
    50,
    'src/maintenance/clean-segment.ts',
    'return !(record.isTombstone && isOver)',
    'return !record.isTombstone',
  ),
  several('a compacted segment is put into the index without conditions', 300, [
    {
      file: 'src/maintenance/compact-pass.ts',
      changes: [
        { find: "if: equals('o', first.source.object),", replace: '' },
        { find: "if: equals('o', source.object),", replace: '' },
      ],
    },
    { file: 'src/maintenance/swap.ts', changes: [{ find: '[fence(lease), ...actions]', replace: 'actions' }] },
  ]),
  several('a full map is taken for a whole one', 300, [
    {
      file: 'src/maintenance/key-map.ts',
      changes: [
        { find: 'const slotsMost = 2 ** 22', replace: 'const slotsMost = 4' },
        { find: 'const slotsLeast = 2 ** 10', replace: 'const slotsLeast = 4' },
      ],
    },
    {
      file: 'src/maintenance/compact-pass.ts',
      changes: [{ find: '    reached = full ?? segment.end\n', replace: '    reached = segment.end\n' }],
    },
  ]),
]
