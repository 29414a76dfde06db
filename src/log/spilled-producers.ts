/**
 * Producers that have left a partition's head: where each stands, in an item of its own, written before it leaves.
 *
 *   spilled producer   v format   e epoch   s last sequence   at last use (ms)   n the head's next offset when it was seen to stand there
 *
 * A head's next offset only grows, and a later head never knows less of a producer: a slow or repeated writer of an older view
 * changes nothing. The item stays when its producer is back in the head, and is then not looked at. It goes with its topic.
 */
import type { Core } from '../runtime/core.ts'
import { absent, any, compare, type Item, set, type Update } from '../store/items.ts'
import { requireFormat } from './format.ts'
import { type PartitionId, spilledProducerKey, spilledProducersPk } from './keys.ts'
import { type ProducerState, producerText } from './producer-state.ts'

const spilledProducerFormat = 1

/** `next`: of the head that holds this state. */
export const writeSpilled = ({ epoch, lastSequence, usedMs }: ProducerState, next: number): Update => ({
  patches: [
    set('v', spilledProducerFormat),
    set('e', epoch),
    set('s', lastSequence),
    set('at', usedMs),
    set('n', next),
  ],
  if: any(absent('v'), compare('n', '<=', next)),
})

/** @throws StoreError */
export async function readSpilled(core: Core, id: PartitionId, producer: number): Promise<ProducerState | undefined> {
  const key = spilledProducerKey(id, producerText(producer))
  const item = await core.items.get(key)
  return item && stateIn(`${key.pk} ${key.sk}`, item)
}

/** Up to so many of those that have ever left the head, by producer id; some may be back in it. */
export async function spilledProducers(
  core: Core,
  id: PartitionId,
  limit: number,
): Promise<ReadonlyMap<number, ProducerState>> {
  const pk = spilledProducersPk(id)
  const rows = await core.items.query({ pk, limit })
  return new Map(rows.map(({ sk, item }) => [Number.parseInt(sk, 36), stateIn(`${pk} ${sk}`, item)]))
}

function stateIn(where: string, item: Item): ProducerState {
  requireFormat('spilled producer', where, item.v, spilledProducerFormat)
  return { epoch: Number(item.e), lastSequence: Number(item.s), usedMs: Number(item.at) }
}
