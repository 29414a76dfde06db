/** Bugs to plant in retention, and in blobs that the store forgets by itself; see `bugs.ts`. */

import type { Bug } from './bugs.ts'
import type { Patch } from './bundle.ts'

const bug = (name: string, caughtWithin: number, file: string, ...changes: Patch['changes']): Bug => ({
  name,
  caughtWithin,
  patches: [{ file, changes }],
  scene: 'forgetting',
})

export const retentionBugs: readonly Bug[] = [
  bug('a TTL too short: blobs go before their records are over', 100, 'src/log/blob-ttl.ts', {
    find: 'Math.ceil((newestMs + keptMs + ttlSlackMs) / 1_000)',
    replace: 'Math.ceil((newestMs + keptMs / 2) / 1_000)',
  }),
  bug('a longer retention is acknowledged before the blobs are told', 200, 'src/log/alter-topic.ts', {
    find: '      await keepLonger(core, topic, tried)\n',
    replace: '      void keepLonger\n',
  }),
  bug('only the tail is told of a longer retention, not the chunks', 200, 'src/log/keep-longer.ts', {
    find: 'for (const chunk of rows.map((row) => readEntryRow(id, row)).filter(isChunk)) {',
    replace: 'for (const chunk of rows.slice(0, 0).map((row) => readEntryRow(id, row)).filter(isChunk)) {',
  }),
  bug('an append does not hold to the configs that its TTL went by', 500, 'src/log/head.ts', {
    find: "      ...ttlVersions(refs).map((version) => equals('c', version)),\n",
    replace: '      ...ttlVersions(refs).flatMap(() => []),\n',
  }),
  bug(
    'the tail goes with what has come meanwhile',
    200,
    'src/maintenance/retain.ts',
    {
      find: '  return ms !== undefined && tailRefs(head).every((ref) => newestOfRef(ref) < nowMs - ms)\n',
      replace: '  return ms !== undefined && tailRefs(head).some((ref) => newestOfRef(ref) < nowMs - ms)\n',
    },
    {
      find: 'const isOver = ms !== undefined && newestMs(entry) < nowMs - ms',
      replace: 'const isOver = ms !== undefined && newestMs(entry) < (entry.end >= head.next ? nowMs : nowMs - ms)',
    },
  ),
  bug('entries are removed before the start has moved', 100, 'src/maintenance/retain.ts', {
    find: '  if (chosen.to <= head.retired) return { head, more: false, hints }\n',
    replace:
      '  if (chosen.to <= head.retired) return { head, more: false, hints }\n  await removeDead(core, id, entries.at(chosen.rest ? entries.indexOf(chosen.rest) : -1)?.end ?? 0)\n',
  }),
]
