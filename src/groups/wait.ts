import type { Core } from '../runtime/core.ts'
import { type Group, listenToGroup, readGroup } from './group.ts'
import type { Waiting } from './join.ts'
import { lookInTurn } from './look.ts'

const firstPauseMs = 50
const longestPauseMs = 1_000
const lookSpreadMs = 200

/**
 * Waits until the group is as `isDone` says: woken at once by this process's own changes, and otherwise by reading the group
 * item ever more slowly. While it waits it says that its member lives, and takes its turn at looking for others who do not.
 * `undefined`: the time is over.
 */
export async function waitForGroup(
  core: Core,
  name: string,
  waiting: Waiting,
  sessionMs: number,
  stayAlive: () => Promise<void>,
  isDone: (group: Group) => boolean,
): Promise<Group | undefined> {
  let beatenMs = core.clock.uptime()
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    const news = listenToGroup(core, name)
    try {
      const group = await readGroup(core, name)
      if (isDone(group)) return group
      if (core.clock.now() >= group.lookMs) {
        await lookInTurn(core, name, group)
        continue
      }
      const leftMs = waiting.untilUptimeMs - core.clock.uptime()
      if (leftMs <= 0 || waiting.signal?.aborted) return undefined
      if (core.clock.uptime() - beatenMs >= sessionMs / 3) {
        await stayAlive()
        beatenMs = core.clock.uptime()
      }
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
