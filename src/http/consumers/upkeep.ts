import type { Core } from '../../runtime/core.ts'
import { saveInstance } from './instance.ts'
import type { Instance } from './instance-item.ts'
import { beatIfDue, isUpkeepDue, isUseDue } from './standing.ts'

/** Says of a call that changes nothing that the instance is in use, and its member alive; seldom enough to cost little. */
export async function keepAlive(core: Core, instance: Instance): Promise<void> {
  if (!isUpkeepDue(core, instance)) return
  const { beatMs } = await beatIfDue(core, instance)
  // In a rebalance no beat is taken. To save all the same, at every call, would keep a poll that joins from ever saving its seat.
  if (beatMs === instance.beatMs && !isUseDue(core, instance)) return
  // Where another call was faster, that one has said it.
  await saveInstance(core, instance, { beatMs })
}
