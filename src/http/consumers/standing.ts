/** Where an instance stands in its group, found out with as few calls as can be. */
import { heartbeat, lookAfter } from '../../groups/heartbeat.ts'
import { groupPk } from '../../log/keys.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Core } from '../../runtime/core.ts'
import { StoreError } from '../../store/errors.ts'
import { isCommitDue } from './committing.ts'
import { readInstance } from './instance.ts'
import type { Instance } from './instance-item.ts'

/** How old the last comparison of the topics may get. */
export const compareEveryMs = 60_000
/** How stale `usedMs` may get before a call that changes nothing else writes it. */
const usedEveryMs = 60_000
/**
 * While a poll waits for records it looks after its group this often: a dead member is to be found, and the others to have heard of
 * it, within a second, whatever process each of them polls.
 */
const lookEveryMs = 400

/** Whether the item lags behind what it has to say: `usedMs`, the heartbeat, the comparison of topics. */
export function isUpkeepDue(core: Core, instance: Instance): boolean {
  if (isUseDue(core, instance)) return true
  const { subscription, comparedMs } = instance
  return subscription !== undefined && (isBeatDue(core, instance) || core.clock.now() - comparedMs >= compareEveryMs)
}

/** Whether the item's `usedMs` has become stale. */
export const isUseDue = (core: Core, { usedMs, idleMs }: Instance): boolean =>
  core.clock.now() - usedMs >= Math.min(usedEveryMs, idleMs / 3)

export const isMember = ({ subscription, memberId, generation }: Instance): boolean =>
  subscription !== undefined && memberId !== '' && generation >= 0

const isBeatDue = (core: Core, instance: Instance): boolean =>
  isMember(instance) && core.clock.now() - instance.beatMs >= instance.sessionMs / 3

/** What a member in some generation finds its group to be; one without a seat has to join. */
export type Standing = 'seated' | 'rejoin'

/**
 * Where the instance stands in its group: a heartbeat if one is due, else a look that writes nothing. The instance comes back as
 * it is to be saved with the next write.
 */
export async function standing(core: Core, instance: Instance): Promise<{ instance: Instance; standing: Standing }> {
  if (!isMember(instance) || instance.rejoin || instance.synced >= 0) return { instance, standing: 'rejoin' }
  if (!isBeatDue(core, instance)) {
    const found = await lookAfter(core, membershipOf(instance))
    return { instance, standing: found === 'stable' ? 'seated' : 'rejoin' }
  }
  try {
    await heartbeat(core, membershipOf(instance))
    return { instance: { ...instance, beatMs: core.clock.now() }, standing: 'seated' }
  } catch (error) {
    if (error instanceof KafkaError) return { instance, standing: 'rejoin' }
    throw error
  }
}

const membershipOf = ({ group, memberId, generation }: Instance) => ({ group, memberId, generation })

/** A heartbeat, where one is due, of a call that is not a poll. What is wrong with the group is the next poll's business. */
export async function beatIfDue(core: Core, instance: Instance): Promise<Instance> {
  if (!isBeatDue(core, instance)) return instance
  try {
    return (await standing(core, instance)).instance
  } catch (error) {
    if (error instanceof StoreError) return instance
    throw error
  }
}

type Remembered = { readonly memberId: string; readonly generation: number }

/** `stored`: the instance as it is in the store; the same object as `instance` where there is nothing to save. */
export type Found = { readonly stored: Instance; readonly instance: Instance; readonly standing: Standing }

/** The instance, and where it stands: in one round trip where this process remembers its membership. 404 40403 without one. */
export async function readStanding(core: Core, group: string, name: string): Promise<Found> {
  const key = `membership/${group}/${name}`
  // The cast: only this function writes under such a key.
  const hint = core.memory.immutable.get(key) as Remembered | undefined
  const [stored, found] = await Promise.all([
    readInstance(core, group, name),
    hint ? lookAfter(core, { group, ...hint }) : undefined,
  ])
  const { memberId, generation } = stored
  if (isMember(stored)) core.memory.immutable.set(key, { memberId, generation }, key.length + 100)
  const isAnswer = hint?.memberId === memberId && hint.generation === generation && !isBeatDue(core, stored)
  if (!isMember(stored) || stored.rejoin || !found || !isAnswer) return { stored, ...(await standing(core, stored)) }
  return { stored, instance: stored, standing: found === 'stable' ? 'seated' : 'rejoin' }
}

/** Why a poll's wait ended before its time. `standing`: where that is known already. */
export type News = { readonly standing?: Standing }

/**
 * Waits until there is something to do for the membership: the group has moved on, or a heartbeat, a commit or a comparison is due.
 * `undefined`: it was ended before. Trouble in the store is no news: the poll's own read will tell.
 */
export async function untilNews(core: Core, instance: Instance, ended: AbortSignal): Promise<News | undefined> {
  while (!ended.aborted) {
    const news = core.memory.wakeups.listen([groupPk(instance.group)])
    await core.clock.sleep(lookEveryMs, AbortSignal.any([ended, news.signal]))
    news.stop()
    if (ended.aborted) return undefined
    if (isUpkeepDue(core, instance) || isCommitDue(core, instance)) return {}
    try {
      if ((await lookAfter(core, membershipOf(instance))) !== 'stable') return { standing: 'rejoin' }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
    }
  }
  return undefined
}
