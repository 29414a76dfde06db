/**
 * After a table was restored to an earlier time: what lived after that time must not go on as if nothing had happened. The cluster
 * gets a new id, brokers and heads new epochs (KIP-320: clients notice that the log they knew was cut), producer ids go on far
 * beyond all that were given out, and the bucket becomes this cluster's alone. May be called again: everything only grows.
 */
import { livingBrokers } from '../cluster/status.ts'
import { changeView, readView } from '../cluster/view.ts'
import { clusterId, renewCluster } from '../log/cluster.ts'
import { headKey, producerIdsKey } from '../log/keys.ts'
import { headsAtOnce, listTopics } from '../log/topics.ts'
import type { Core } from '../runtime/core.ts'
import { inParallel } from '../runtime/parallel.ts'
import { StoreError } from '../store/errors.ts'
import { add, compare, exists, set } from '../store/items.ts'
import { takeBucket } from './bucket-mark.ts'

/** More than any cluster changes between a restore point and the day after. */
const epochsBeyond = 1_000_000
const producerIdsBeyond = 1_000_000_000

export type Restored = { readonly clusterId: string; readonly topics: number; readonly partitions: number }

/**
 * Nothing else may be at work on the table, nor on the one it was restored from. Takes as long as the lease of a broker that the table
 * names, to see that none beats.
 * @throws StoreError, also where a broker beats: nothing was changed then; may be called again
 */
export async function restore(core: Core): Promise<Restored> {
  const living = await livingBrokers(core)
  if (living.length > 0) {
    throw new StoreError(
      'misconfigured',
      `nothing was changed: stop the brokers of this table first (node ids ${living.join(', ')})`,
    )
  }
  const before = await readView(core)
  const epoch = before.epoch + epochsBeyond
  // First the view: a broker's epoch must reach the heads', or they would refuse what it appends.
  await changeView(core, before, () => ({ epoch, floor: epoch, floorMembers: [], events: [] }), { onlyThis: true })
  const topics = await listTopics(core)
  let partitions = 0
  for (const topic of topics) {
    const ids = Array.from({ length: topic.partitions }, (_, partition) => ({ topicId: topic.id, partition }))
    await inParallel(headsAtOnce, ids, (id) =>
      core.items.update(headKey(id), { patches: [set('e', epoch)], if: compare('e', '<', epoch) }),
    )
    partitions += ids.length
  }
  await core.items.update(producerIdsKey, { patches: [add('n', producerIdsBeyond)], if: exists('v') })
  await renewCluster(core)
  await takeBucket(core)
  return { clusterId: await clusterId(core), topics: topics.length, partitions }
}
