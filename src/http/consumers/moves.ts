/** Moving an instance's positions past what a poll hands out, and back. */
import { KafkaError } from '../../protocol/errors.ts'
import type { Core } from '../../runtime/core.ts'
import { StoreError } from '../../store/errors.ts'
import { HttpError } from '../errors.ts'
import { saveInstance } from './instance.ts'
import type { AssignedPartition, Instance, InstanceState } from './instance-item.ts'
import { moved, type NewPosition } from './partitions.ts'

/** `outdated`: a poll that began later has handed out records. `goOnFrom`: nothing was saved; begin again from here. */
export type Moved = { readonly saved: Instance } | { readonly goOnFrom: Instance } | 'outdated'

const attemptsMax = 8

/**
 * Saves new positions and whatever else the poll has changed of the instance. Where a poll that began earlier was faster, this
 * one's positions count, all of them: the other's client has given it up.
 */
export async function saveMoves(
  core: Core,
  instance: Instance,
  to: readonly NewPosition[],
  beganMs: number,
): Promise<Moved> {
  let current = instance
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const outcome = await saveInstance(core, current, changeOf(current, to, beganMs))
    if ('saved' in outcome) return outcome
    const { lost } = outcome
    if (lost.epoch !== current.epoch) return { goOnFrom: lost }
    const isMovedByOther = lost.byMs !== instance.byMs
    if (isMovedByOther && lost.byMs >= beganMs) return 'outdated'
    current = { ...lost, assigned: withCommitted(instance.assigned, lost.assigned) }
    if (to.length === 0) return { goOnFrom: current }
  }
  return { goOnFrom: current }
}

function changeOf(instance: Instance, to: readonly NewPosition[], beganMs: number): Partial<InstanceState> {
  const { assigned, commitMs, beatMs, comparedMs, rejoin } = instance
  return {
    assigned: moved(assigned, to),
    commitMs,
    beatMs,
    comparedMs,
    rejoin,
    ...(to.length === 0 ? {} : { byMs: beganMs }),
  }
}

/** Positions of one, what is known to be committed of the other. */
function withCommitted(positions: readonly AssignedPartition[], latest: readonly AssignedPartition[]) {
  const known = new Map(latest.map((entry) => [`${entry.topicId}/${entry.partition}`, entry.committed]))
  return positions.map((entry) => ({
    ...entry,
    committed: known.get(`${entry.topicId}/${entry.partition}`) ?? entry.committed,
  }))
}

/**
 * Takes back what could not be delivered, where nothing else has happened since. A poll that began in between starts over: the new
 * epoch tells it.
 */
export async function takeBack(core: Core, handedOut: Instance, before: Instance): Promise<void> {
  try {
    const { byMs, assigned } = before
    await saveInstance(core, handedOut, {
      assigned: withCommitted(assigned, handedOut.assigned),
      byMs,
      epoch: handedOut.epoch + 1,
    })
  } catch (error) {
    // Nobody is left to be told. What was handed out and not committed comes again with the group's next assignment.
    if (!(error instanceof StoreError || error instanceof KafkaError || error instanceof HttpError)) throw error
  }
}
