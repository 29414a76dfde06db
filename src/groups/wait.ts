import { KafkaError } from '../protocol/errors.ts'
import type { Core } from '../runtime/core.ts'
import { beatNow, lastBeatMs } from './beat.ts'
import { type Group, listenToGroup, readGroup } from './group.ts'
import type { Waiting } from './join.ts'
import { lookInTurn } from './look.ts'
import { slotOf } from './member.ts'

const firstPauseMs = 50
const longestPauseMs = 1_000
const lookSpreadMs = 200

/**
 * Waits until the group is as `isDone` says: woken at once by this process's own changes, and otherwise by reading the group
 * item ever more slowly. While it waits it says that its member lives, and takes its turn at looking for others who do not.
 * `undefined`: the time is over.
 * @throws KafkaError UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID: it was removed, or replaced. StoreError
 */
export async function waitForGroup(
  core: Core,
  name: string,
  waiting: Waiting,
  who: { readonly memberId: string; readonly instanceId?: string; readonly sessionMs: number },
  isDone: (group: Group) => boolean,
): Promise<Group | undefined> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    const news = listenToGroup(core, name)
    try {
      const group = await readGroup(core, name)
      if (isDone(group)) return group
      await stayAlive(core, name, who)
      if (core.clock.now() >= group.lookMs) {
        await lookInTurn(core, name, group)
        continue
      }
      const leftMs = waiting.untilUptimeMs - core.clock.uptime()
      if (leftMs <= 0 || waiting.signal?.aborted) return undefined
      // Waiters that were woken together must not come back together.
      const spreadMs = pauseMs / 2 + core.random.below(Math.ceil(pauseMs / 2))
      const toLookMs = group.lookMs - core.clock.now() + core.random.below(lookSpreadMs)
      const signals = waiting.signal ? AbortSignal.any([news.signal, waiting.signal]) : news.signal
      await core.clock.sleep(Math.max(1, Math.min(leftMs, spreadMs, toLookMs)), signals)
    } finally {
      news.stop()
    }
  }
}

async function stayAlive(core: Core, name: string, who: Parameters<typeof waitForGroup>[3]): Promise<void> {
  if (core.clock.uptime() - lastBeatMs(core, name, slotOf(who)) < who.sessionMs / 3) return
  const beaten = await beatNow(core, name, who)
  if ('error' in beaten) throw new KafkaError(beaten.error, 'the group did not hear of this member for too long')
}
