/**
 * Bugs to plant: small and plausible wrong versions, each of which the checker has to catch within a number of seeds. They exist
 * here only: a patch is applied while the simulator is bundled, and one that fits no more fails.
 */
import { brokerBugs } from './broker-bugs.ts'
import type { Patch } from './bundle.ts'
import { compactionBugs } from './compaction-bugs.ts'
import { deletionBugs } from './deletion-bugs.ts'
import { groupBugs } from './group-bugs.ts'
import { producerBugs } from './producer-bugs.ts'
import { retentionBugs } from './retention-bugs.ts'
import { rollBugs } from './roll-bugs.ts'
import type { SceneName } from './scenes.ts'
import { sweepBugs } from './sweep-bugs.ts'
import { togetherBugs } from './together-bugs.ts'

export type Bug = {
  readonly name: string
  readonly patches: readonly Patch[]
  readonly caughtWithin: number
  /** Where it is hunted; in whatever each seed draws, as a rule. */
  readonly scene?: SceneName
}

const bug = (name: string, caughtWithin: number, file: string, find: string, replace: string): Bug => ({
  name,
  caughtWithin,
  patches: [{ file, changes: [{ find, replace }] }],
})

const several = (name: string, caughtWithin: number, file: string, changes: Patch['changes']): Bug => ({
  name,
  caughtWithin,
  patches: [{ file, changes }],
})

const appending: readonly Bug[] = [
  several('not found in the newest chunk is taken for not applied', 500, 'src/log/append-ref.ts', [
    { find: 'const newestEntriesSought = 8', replace: 'const newestEntriesSought = 1' },
    { find: "  if (!isGapless(newest)) return 'unknown'\n", replace: "  return 'absent'\n" },
  ]),
  bug('no ref condition', 100, 'src/log/head.ts', "      ...packed.map((ref) => not(contains('t', ref))),\n", ''),
  bug(
    'no fingerprints',
    100,
    'src/log/head.ts',
    "      ...refs.map((ref) => not(contains('f', fingerprint(ref)))),\n",
    '',
  ),
  bug(
    'no horizon',
    200,
    'src/log/head.ts',
    "      compare('h', '<', Math.min(...refs.map(({ stamp }) => stamp))),\n",
    '',
  ),
  bug(
    'blind retry, as an SDK does: sent again under a new name',
    100,
    'src/log/append-ref.ts',
    "      if (refused || error.trouble === 'unknown-outcome') ambiguous = error\n",
    "      if (error.trouble === 'unknown-outcome') return { verdict: 'too-late', horizon: 0 }\n",
  ),
  bug(
    'read after a time-out, not found, sent under a new name',
    200,
    'src/log/append-ref.ts',
    "      if (refused || error.trouble === 'unknown-outcome') ambiguous = error\n",
    `      if (error.trouble === 'unknown-outcome') {
        const item = await core.items.get(headKey(id)).catch(() => undefined)
        const head = item && readHead(id, item)
        const at = head && offsetInTail(head, ref)
        if (head && at !== undefined) return { verdict: 'appended', baseOffset: at, head }
        if (head && (await findInIndex(core, id, ref, head).catch(() => undefined)) === 'absent')
          return { verdict: 'too-late', horizon: 0 }
        ambiguous = error
      }
      if (refused) ambiguous = error
`,
  ),
  bug(
    'unknown reported as failed',
    100,
    'src/log/append.ts',
    "throw new KafkaError('REQUEST_TIMED_OUT', 'the store did not answer: the records may or may not be in the log', {",
    "throw new KafkaError('KAFKA_STORAGE_ERROR', 'nothing was appended', {",
  ),
  bug(
    'unknown reported as done',
    100,
    'src/log/append-ref.ts',
    "return ambiguous ? { verdict: 'unknown', cause: ambiguous } : { verdict: 'not-applied', cause: trouble }",
    "const item = ambiguous && (await core.items.get(headKey(id)).catch(() => undefined)); const head = item && readHead(id, item); return head ? { verdict: 'appended', baseOffset: head.next - ref.count, head } : { verdict: 'not-applied', cause: trouble }",
  ),
  bug(
    'offset before data: refs are appended while their blob is stored',
    200,
    'src/log/blob.ts',
    "  if (place === 'item') await untilDeadline(core, deadlineMs, () => storeItem(core, id, lastStamp, portions, ttl))",
    "  if (place === 'item') untilDeadline(core, deadlineMs, () => storeItem(core, id, lastStamp, portions, ttl)).catch(() => {})",
  ),
  bug(
    'no look into the index: out of the head is not applied',
    200,
    'src/log/append-ref.ts',
    '  const found = await findInIndex(core, id, ref, head)\n',
    "  const found = 'absent' as number | string\n",
  ),
  bug('era never raised', 500, 'src/log/append.ts', 'await raiseEra(core, topic)', 'await Promise.resolve()'),
  bug(
    'offset counted from the refs, not the records',
    100,
    'src/log/append-ref.ts',
    'baseOffset: head.next - ref.count, head, joined',
    'baseOffset: head.next - 1, head, joined',
  ),
]

const spilling: readonly Bug[] = [
  bug('trim without its condition', 200, 'src/log/head.ts', "equals('o', head.tailStart), ", ''),
  bug(
    'chunk not adopted: its own idea of the refs is dropped',
    500,
    'src/log/spill.ts',
    'return { entry: readChunk(id, key.sk, created.item), isNew: false }',
    'return { entry, isNew: false }',
  ),
  bug(
    'dropped before the chunk is written',
    200,
    'src/log/spill.ts',
    '  const created = await core.items.update(key, createChunk(entry))\n  if (created.applied || !created.item) return { entry, isNew: created.applied }\n  return { entry: readChunk(id, key.sk, created.item), isNew: false }\n',
    '  void core.items.update(key, createChunk(entry)).catch(() => {})\n  return { entry, isNew: false }\n',
  ),
  bug(
    'the horizon is the least of what was forgotten, not the greatest',
    200,
    'src/log/head.ts',
    'const horizon = Math.max(head.horizon, ...forgotten.map(fingerprintStamp))',
    'const horizon = Math.max(head.horizon, Math.min(...forgotten.map(fingerprintStamp), Number.MAX_SAFE_INTEGER) % Number.MAX_SAFE_INTEGER)',
  ),
  several('a spill that lowers the horizon', 500, 'src/log/head.ts', [
    {
      find: 'const horizon = Math.max(head.horizon, ...forgotten.map(fingerprintStamp))',
      replace: 'const horizon = forgotten.length > 0 ? Math.max(...forgotten.map(fingerprintStamp)) : head.horizon',
    },
    { find: ", compare('h', '<=', horizon))", replace: ')' },
  ]),
  bug('chunk overwritten by the next spiller', 500, 'src/log/chunk.ts', "    if: absent('v'),\n", ''),
  bug(
    'spill forgets one of the marks',
    200,
    'src/log/head.ts',
    "set('f', remembered.slice(forgotten.length))",
    "set('f', remembered.slice(forgotten.length + 1))",
  ),
  {
    name: 'a full tail that nobody spills',
    caughtWithin: 500,
    patches: [
      {
        file: 'src/log/spill.ts',
        changes: [
          { find: 'return tries(headExcess(head, own), own * appended) > triesBefore', replace: 'return false' },
        ],
      },
      {
        file: 'src/log/append-ref.ts',
        changes: [{ find: '    await spill(core, id, head)\n', replace: '' }],
      },
    ],
  },
]

const reading: readonly Bug[] = [
  several('index read before the head, its hole taken for a gap', 200, 'src/log/plan.ts', [
    {
      find: "import { headKey, type PartitionId, partitionText } from './keys.ts'\n",
      replace:
        "import { readEntryRow } from './entry.ts'\nimport { headKey, indexPk, type PartitionId, partitionText } from './keys.ts'\n",
    },
    {
      find: '  const [only] = ids\n',
      replace: `  const [only] = ids
  const early = ids.map(async (id) => {
    const rows = await core.items.query({ pk: indexPk(id), limit: 1_000 })
    const entries = rows.map((row) => readEntryRow(id, row))
    core.memory.immutable.set('early ' + partitionText(id), entries, 1)
  })
  await Promise.all(early)
`,
    },
    {
      find: 'const entries = remembered ?? (await entriesCovering(core, id, offset, more, again ? thoroughly : 1))\n    if (entries.length === 0) return undefined\n',
      replace: `const known = core.memory.immutable.get('early ' + partitionText(id)) ?? []
    const entries = known.filter((entry) => entry.end > offset).slice(0, 1 + more)
`,
    },
    { find: 'reached = entries.at(-1)?.end ?? offset', replace: 'reached = entries.at(-1)?.end ?? head.tailStart' },
  ]),
  bug(
    'cached end taken as truth',
    100,
    'src/log/plan.ts',
    'ids.length === 1 && only ? [await core.items.get(headKey(only))] : await batchGet(core, ids.map(headKey))',
    `ids.length === 1 && only
      ? [
          (core.memory.immutable.get(headKey(only).pk) as never) ??
            (await core.items.get(headKey(only)).then((item) => {
              core.memory.immutable.set(headKey(only).pk, item, 1_000)
              return item
            })),
        ]
      : await batchGet(core, ids.map(headKey))`,
  ),
  bug(
    'first batch after an offset within a batch skipped',
    100,
    'src/log/fetch.ts',
    '      if (next > offset) {\n',
    '      if (base >= offset) {\n',
  ),
  bug(
    'search by time stops at the tail',
    200,
    'src/log/offsets.ts',
    'head.tailStart > head.start && head.droppedTimestampMs >= timestampMs',
    'head.tailStart < head.start',
  ),
]

const keysAndCommits: readonly Bug[] = [
  bug(
    'commit without its version',
    1_000,
    'src/groups/offsets.ts',
    ", version === 0 ? absent('n') : equals('n', version)),",
    '),',
  ),
  bug(
    'rename under a key without compare-and-set',
    500,
    'src/log/append-once.ts',
    ', if: equals(name, packRef(old)) }',
    ' }',
  ),
  bug(
    'key’s clock read after sleeping',
    1_000,
    'src/log/append-once.ts',
    'const found = seen && isLive(seen, arrivedMs) ?',
    'const found = seen && isLive(seen, core.clock.now()) ?',
  ),
  bug(
    'key forgotten: every try begins anew',
    100,
    'src/log/append-once.ts',
    'const found = seen && isLive(seen, arrivedMs) ?',
    'const found = seen && outcomesIn(seen) ?',
  ),
  bug(
    'key written after the append',
    200,
    'src/log/append-once.ts',
    "absent('v')\n  const written",
    "absent('zz')\n  const written",
  ),
]

export const bugs: readonly Bug[] = [
  ...appending,
  ...spilling,
  ...reading,
  ...keysAndCommits,
  ...groupBugs,
  ...brokerBugs,
  ...retentionBugs,
  ...producerBugs,
  ...rollBugs,
  ...compactionBugs,
  ...togetherBugs,
  ...sweepBugs,
  ...deletionBugs,
]
