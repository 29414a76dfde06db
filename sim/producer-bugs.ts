/** Bugs to plant in what is done for idempotent producers; see `bugs.ts`. */
import type { Bug } from './bugs.ts'

const bug = (name: string, caughtWithin: number, file: string, find: string, replace: string): Bug => ({
  name,
  caughtWithin,
  patches: [{ file, changes: [{ find, replace }] }],
  scene: 'sequences',
})

export const producerBugs: readonly Bug[] = [
  bug(
    'no sequence condition',
    100,
    'src/log/head.ts',
    '      ...firstOfEach(appended).flatMap(({ ref: { producer }, absence }) =>\n        producer ? [comesNext(producer, absence)] : [],\n      ),\n',
    '',
  ),
  bug(
    'a new epoch begins anywhere',
    100,
    'src/log/producer-state.ts',
    'run.firstSequence === 0 && run.epoch > 0 ?',
    'run.epoch > 0 ?',
  ),
  bug(
    'a producer is spilled, and its state is lost',
    100,
    'src/log/spill-producers.ts',
    '    await core.items.update(key, writeSpilled(state, head.next))\n',
    '    void writeSpilled(state, head.next)\n',
  ),
  bug(
    'dropped from the head before its state is written',
    200,
    'src/log/spill-producers.ts',
    '    await core.items.update(key, writeSpilled(state, head.next))\n',
    '    void core.items.update(key, writeSpilled(state, head.next)).catch(() => {})\n',
  ),
  bug(
    'a spill that does not look whether its producer has gone on',
    200,
    'src/log/head.ts',
    ', ...[...states].map(([name, state]) => equals(name, state))',
    '',
  ),
  bug(
    're-admission without the count of spills',
    200,
    'src/log/producer-state.ts',
    'all(absent(name), spillsAre(absence.spills))',
    'absent(name)',
  ),
  bug('a spill that is not counted', 200, 'src/log/head.ts', ", add('q', 1)]", ']'),
  bug(
    'an old state written over a newer one',
    1_000,
    'src/log/spilled-producers.ts',
    "if: any(absent('v'), compare('n', '<=', next)),",
    "if: any(absent('v'), compare('n', '>=', 0)),",
  ),
  bug(
    'a duplicate is answered as new',
    100,
    'src/log/producers.ts',
    'if (found) return found',
    'if (found) return { ...found, baseOffset: head.next }',
  ),
]
