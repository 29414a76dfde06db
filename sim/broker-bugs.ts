/** Bugs to plant in brokers and leases, and in the clients that go from one to the other; see `bugs.ts`. */
import type { Bug } from './bugs.ts'
import type { Patch } from './bundle.ts'

const bug = (name: string, caughtWithin: number, file: string, find: string, replace: string): Bug => ({
  name,
  caughtWithin,
  patches: [{ file, changes: [{ find, replace }] }],
  scene: 'brokers',
})

const several = (name: string, caughtWithin: number, file: string, changes: Patch['changes']): Bug => ({
  name,
  caughtWithin,
  patches: [{ file, changes }],
  scene: 'brokers',
})

export const brokerBugs: readonly Bug[] = [
  bug(
    'a broker trusts its lease after its time',
    100,
    'src/cluster/member.ts',
    'isServing: () => !leaving && core.clock.uptime() < servingUntilMs,',
    'isServing: () => !leaving && servingUntilMs > 0,',
  ),
  bug(
    'a lease taken over though it changed meanwhile',
    200,
    'src/cluster/lease.ts',
    '    if: unchanged,\n',
    '    ...(unchanged ? {} : { if: unchanged }),\n',
  ),
  bug(
    'the view changed without compare-and-set',
    100,
    'src/cluster/view.ts',
    "      if: view.epoch === 0 ? absent('v') : all(equals('v', viewFormat), equals('epoch', view.epoch)),\n",
    "      ...(view.epoch < 0 ? { if: all(equals('v', viewFormat), absent('epoch')) } : {}),\n",
  ),
  several('the old epoch again where leadership moves back', 100, 'src/cluster/leadership.ts', [
    {
      find: '  let epoch = view.floor\n',
      replace: '  let epoch = view.floor\n  const led = new Map<unknown, number>()\n',
    },
    {
      find: '    if (leader !== before) epoch = at\n',
      replace: '    if (leader !== before) led.set(leader, (epoch = led.get(leader) ?? at))\n',
    },
  ]),
  bug(
    'no fence: an append does not ask for the epoch of the head',
    200,
    'src/log/head.ts',
    "      ...(leaderEpoch === undefined ? [] : [compare('e', '<=', leaderEpoch)]),\n",
    '',
  ),
  bug(
    'who does not lead appends all the same',
    100,
    'src/broker/leaders.ts',
    '  if (view.leaderOf(topicId, partition) !== view.nodeId) {',
    '  if (view.leaderOf(topicId, partition) < -1) {',
  ),
  bug(
    'another leader is answered as if it had been appended',
    100,
    'src/broker/handlers/00-produce.ts',
    "    if (refusal?.error === 'NOT_LEADER_OR_FOLLOWER') {\n",
    "    if (refusal?.error === 'NOT_LEADER_OR_FOLLOWER') {\n      if (taken) return { index: one.index, errorCode: 0, baseOffset: 0 }\n",
  ),
  bug(
    'whoever is asked coordinates every group',
    50,
    'src/broker/groups.ts',
    '  if (view.coordinatorOf(group) === view.nodeId) return\n',
    '  if (view.coordinatorOf(group) >= -1) return\n',
  ),
  bug(
    'nobody removes the dead',
    50,
    'src/cluster/member.ts',
    '    if (dead.length > 0) view = await changeView',
    '    if (dead.length > 99) view = await changeView',
  ),
  bug(
    'a producer sends again under a new sequence',
    50,
    'sim/kafka/producers.ts',
    '    inFlight = await sendAll(producer, partition, [...inFlight, ...added])\n',
    `    inFlight = await sendAll(producer, partition, [...inFlight, ...added])
    inFlight = inFlight.map((batch) => {
      sequence += batch.values.length
      return { ...batch, sequence: sequence - batch.values.length }
    })
`,
  ),
]
