/** Bugs of consumer groups to plant, hunted where there are groups. */
import type { Bug } from './bugs.ts'
import type { Patch } from './bundle.ts'

const several = (name: string, caughtWithin: number, patches: readonly Patch[]): Bug => ({
  name,
  caughtWithin,
  patches,
  scene: 'team',
})

const bug = (name: string, caughtWithin: number, file: string, find: string, replace: string): Bug =>
  several(name, caughtWithin, [{ file, changes: [{ find, replace }] }])

const committing: readonly Bug[] = [
  several('commit without its fence', 1_000, [
    {
      file: 'src/groups/offsets.ts',
      changes: [
        {
          find: ", any(absent('fence'), compare('fence', '<=', fence)))\n\nconst patches",
          replace: ", fence < 0 ? absent('v') : any(absent('v'), equals('v', format)))\n\nconst patches",
        },
        {
          find: '      if (fence > stand.fence) stand = await standAbove(core, group, fence, stand)\n',
          replace: '      if (fence < 0) stand = await standAbove(core, group, fence, stand)\n',
        },
      ],
    },
  ]),
  bug(
    'missing generation check: whoever commits stands where the group stands',
    100,
    'src/groups/stand.ts',
    'const refusal = strangerIs(member, committer.memberId) ?? mayNotCommit(groupIn(name, groupItem), committer.generation)\n',
    'const refusal = strangerIs(member, committer.memberId)\n  committer = { ...committer, generation: groupIn(name, groupItem).generation }\n',
  ),
  bug(
    'commit by a member that is dead or has left',
    200,
    'src/groups/stand.ts',
    'strangerIs(member, committer.memberId) ?? mayNotCommit',
    '(committer.instanceId === undefined ? undefined : strangerIs(member, committer.memberId)) ?? mayNotCommit',
  ),
  bug(
    'commit by a process that another has replaced in its static slot',
    200,
    'src/groups/stand.ts',
    'strangerIs(member, committer.memberId) ?? mayNotCommit',
    '(committer.instanceId === undefined ? strangerIs(member, committer.memberId) : undefined) ?? mayNotCommit',
  ),
  several('no fence raised before a sync is answered', 300, [
    {
      file: 'src/groups/own.ts',
      changes: [
        { find: 'import { raiseFence }', replace: 'import { fetchOffsets, raiseFence }' },
        {
          find: '    const committed = await raiseFence(core, group, owned, fence)\n',
          replace: '    const [committed] = await settled(core, () => fetchOffsets(core, group, [owned]))\n',
        },
      ],
    },
  ]),
  bug(
    'a member’s commit without its version',
    500,
    'src/groups/offsets.ts',
    ", version === 0 ? absent('n') : equals('n', version)),",
    '),',
  ),
]

const forming: readonly Bug[] = [
  bug(
    'the group changed without its condition',
    100,
    'src/groups/group.ts',
    "    if: from.rev === 0 ? absent('v') : equals('rev', from.rev),\n",
    '',
  ),
  several('a second plan of the leader overwrites the first', 200, [
    {
      file: 'src/groups/plan.ts',
      changes: [
        {
          find: 'planKey(group, generation, id, piece), rows)',
          replace: "planKey(group, generation, 'plan', piece), rows)",
        },
        {
          find: 'readRow(core, (piece) => planKey(name, generation, plan.id, piece)',
          replace: "readRow(core, (piece) => planKey(name, generation, 'plan', piece)",
        },
      ],
    },
  ]),
  bug(
    'assignment of another generation: a part that was remembered',
    100,
    'src/groups/plan.ts',
    '  const row = await readRow(core, (piece) => planKey(name, generation, plan.id, piece), plan, slot)\n',
    `  const part = 'part ' + name + ' ' + slot
  const known = core.memory.immutable.get(part) as SlotRow | undefined
  const row = known ?? (await readRow(core, (piece) => planKey(name, generation, plan.id, piece), plan, slot))
  if (row) core.memory.immutable.set(part, row, 100)
`,
  ),
  several('counted before it is written, and the round closed without it', 200, [
    {
      file: 'src/groups/join.ts',
      changes: [
        {
          find: '  const written = await writeBoth(core, joining.group, member, was)\n  if (written) await count(core, joining, group, isNew)\n  return written\n',
          replace: '  await count(core, joining, group, isNew)\n  return writeBoth(core, joining.group, member, was)\n',
        },
        {
          find: "      case 'answer':\n        if (await isEnrolled(core, joining.group, group, joining.slot)) {",
          replace: "      case 'answer':\n        if (group.generation > 0) {",
        },
      ],
    },
  ]),
]

const outliving: readonly Bug[] = [
  bug(
    'a silent neighbour is never found',
    100,
    'src/groups/heartbeat.ts',
    "  if (seen.group.state !== 'stable') return false\n",
    '  if (seen) return false\n',
  ),
  several('those who wait do not look', 100, [
    {
      file: 'src/groups/wait.ts',
      changes: [
        { find: 'if (core.clock.now() >= group.lookMs) {', replace: 'if (core.clock.now() < 0) {' },
        {
          find: 'const toLookMs = group.lookMs - core.clock.now() + core.random.below(lookSpreadMs)',
          replace: 'const toLookMs = longestPauseMs + lookSpreadMs',
        },
      ],
    },
  ]),
  bug(
    'a leader that dies before its plan is never given up',
    200,
    'src/groups/round.ts',
    '      return complete && late.length === 0\n',
    '      return complete || group.members > 0\n',
  ),
]

export const groupBugs: readonly Bug[] = [...committing, ...forming, ...outliving]
