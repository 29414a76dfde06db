/** Members of a group, each in a process of its own: joining, staying, committing. */
import { heartbeat } from '../../src/groups/heartbeat.ts'
import { commitOffsets } from '../../src/groups/offsets.ts'
import { newMemberId, type Seat, type Subscriber, takeSeat } from '../../src/groups/subscriber.ts'
import { createTopic } from '../../src/log/topics.ts'
import type { Core } from '../../src/runtime/core.ts'
import { simulation } from './fetching.ts'
import { anotherProcess, tickMs } from './setup.ts'
import { newTally, type Tally, tallied } from './tally.ts'

export type Membership = { readonly join: Tally; readonly heartbeat: Tally; readonly commit: Tally }

const group = 'billing'

const subscriber = (memberId: string): Subscriber => ({
  group,
  memberId,
  clientId: 'bench',
  clientHost: 'bench',
  sessionMs: 300_000,
  rebalanceMs: 60_000,
  strategies: ['sticky'],
  topics: ['bench'],
  owned: [],
  generation: -1,
})

type Member = { readonly core: Core; readonly memberId: string; readonly seat: Seat }

/** So many members join at once a group that was empty, a partition for each; then each says that it lives, and commits. */
export async function membership(members: number): Promise<Membership> {
  const { simulated, core } = simulation()
  const tallies = { join: newTally(), heartbeat: newTally(), commit: newTally() }
  await simulated.run(async () => {
    await createTopic(core, { name: 'bench', partitions: members })
    const all = await Promise.all(Array.from({ length: members }, () => join(tallies.join, anotherProcess(core))))
    if (new Set(all.map(({ seat }) => seat.generation)).size > 1) throw new Error('they did not join in one round')
    for (const { core: own, memberId, seat } of all) {
      const who = { memberId, generation: seat.generation }
      await tallied(tallies.heartbeat, own, tickMs, 0, (metered) => heartbeat(metered, { group, ...who }))
      const entries = seat.partitions.map(({ topicId, partition }) => ({ topicId, partition, offset: 1 }))
      if (entries.length !== 1) throw new Error('a member has not one partition')
      await tallied(tallies.commit, own, tickMs, 0, (metered) => commitOffsets(metered, group, entries, who))
    }
  })
  return tallies
}

const join = (tally: Tally, own: Core): Promise<Member> =>
  tallied(tally, own, tickMs, 0, async (metered) => {
    const memberId = await newMemberId(metered, subscriber(''))
    const waiting = { untilUptimeMs: own.clock.uptime() + 60_000 }
    const progress = await takeSeat(metered, subscriber(memberId), -1, waiting)
    if (!('seat' in progress)) throw new Error('a member got no seat within a minute')
    return { core: own, memberId, seat: progress.seat }
  })
