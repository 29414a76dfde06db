/** Bugs to plant where several requests are appended together; see `bugs.ts`. */
import type { Bug } from './bugs.ts'

const bug = (name: string, caughtWithin: number, ...patches: Bug['patches']): Bug => ({
  name: `together: ${name}`,
  caughtWithin,
  patches,
  scene: 'together',
})
const patch = (file: string, find: string, replace: string) => ({ file, changes: [{ find, replace }] })

export const togetherBugs: readonly Bug[] = [
  bug(
    'an update whose answer is lost is settled one by one, under new names',
    200,
    patch(
      'src/log/append-refs.ts',
      "      if (error.trouble === 'unknown-outcome') ambiguous = error\n",
      "      if (error.trouble === 'unknown-outcome') return { verdict: 'refused' }\n",
    ),
    patch(
      'src/log/append-together.ts',
      'appendReady(core, topic, ready, ref, deadlineMs, absence, onItsWay)',
      'appendReady(core, topic, ready, { ...ref, stamp: ref.stamp + 1 }, deadlineMs, absence, onItsWay)',
    ),
  ),
  bug(
    'an update that may still come is called failed',
    200,
    patch(
      'src/log/append-refs.ts',
      "return ambiguous ? { verdict: 'unknown', cause: ambiguous } : { verdict: 'not-applied', cause: trouble }",
      "return { verdict: 'not-applied', cause: trouble }",
    ),
  ),
  bug(
    'all callers that share a ref are told where it begins',
    100,
    patch('src/log/runs.ts', 'baseOffset: appended.baseOffset + before', 'baseOffset: appended.baseOffset'),
  ),
  bug(
    'only the first producer’s sequence is asked for',
    100,
    patch('src/log/head.ts', '...firstOfEach(appended).flatMap', '...firstOfEach(appended).slice(0, 1).flatMap'),
  ),
  bug(
    'two batches of one producer go in one update though they do not follow each other',
    200,
    patch('src/log/runs.ts', '|| !goesOn(lane.last, run)) return false', '|| !goesOn) return false'),
  ),
  bug(
    'what the head refuses together is called failed',
    500,
    patch(
      'src/log/append-refs.ts',
      "{ verdict: 'refused', onItsWay: ambiguous }",
      "{ verdict: 'not-applied', cause: new StoreError('unavailable', 'refused') }",
    ),
  ),
]
