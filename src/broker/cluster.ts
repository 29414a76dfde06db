/** A broker's life in its cluster: joins, beats while it lives, leaves in good order. */
import { type Beats, startBeats } from '../cluster/beats.ts'
import { beatMsOf, type Member, type MemberOptions, newMember } from '../cluster/member.ts'
import { membersOf } from '../cluster/view.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'
import { type ClusterView, memberView } from './cluster-view.ts'

export type Cluster = {
  readonly member: Member
  /** What the handlers ask. Before `join` this broker leads nothing. */
  readonly view: ClusterView
  /** @throws NodeIdTaken, StoreError */
  join(): Promise<void>
  /**
   * Leads nothing from now on, and lets the others hear of it before connections are closed.
   * @throws StoreError, within seconds: the others find out within the lease
   */
  leave(): Promise<void>
  /** The last thing it does: its node id is free. @throws StoreError, within seconds: it is free when the lease is over */
  release(): Promise<void>
}

/** Longer than this nobody who goes waits for the stores. */
const storesWithinMs = 5_000

/** `failed` hears of beats that did not come off: after some of them in a row this broker answers nobody any more. */
export function newCluster(core: Core, options: MemberOptions, failed: (error: unknown) => void): Cluster {
  const member = newMember(core, options)
  let beats: Beats | undefined
  return {
    member,
    view: memberView(member, () => beats?.soon()),
    async join() {
      await member.join()
      beats = startBeats(core, member, options.leaseMs, failed)
    },
    async leave() {
      await inTime(core, stopAndLeave())
      // By then each of the others has looked at the view: clients that are sent to them find that they lead.
      if (membersOf(member.view()).length > 0) await core.clock.sleep(beatMsOf(options.leaseMs))
    },
    release: () => inTime(core, member.release()),
  }

  async function stopAndLeave(): Promise<void> {
    await beats?.stop()
    await member.leave()
  }
}

async function inTime(core: Core, work: Promise<void>): Promise<void> {
  const ended = new AbortController()
  const overdue = core.clock.sleep(storesWithinMs, ended.signal).then(() => {
    throw new StoreError('unknown-outcome', 'the stores do not answer')
  })
  await Promise.race([work, overdue]).finally(() => ended.abort())
}
