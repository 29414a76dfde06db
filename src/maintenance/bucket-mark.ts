/**
 * Whose the bucket is. What one table does not name is garbage to its sweep, though another table may live by it: a table that was
 * restored beside the first, over the same bucket. So each cluster leaves its id there, and where there is more than one nothing is
 * swept until somebody has decided (`millrace restore`).
 */
import { clusterId } from '../log/cluster.ts'
import { clusterMarkKey, clustersPrefix } from '../log/keys.ts'
import type { Core } from '../runtime/core.ts'
import { StoreError } from '../store/errors.ts'

const marksMax = 10

/** Leaves this cluster's mark. @throws StoreError, `misconfigured` where another cluster has left one */
export async function claimBucket(core: Core): Promise<void> {
  const own = clusterMarkKey(await clusterId(core))
  const marks = await core.objects.list(clustersPrefix, { limit: marksMax })
  const other = marks.find(({ key }) => key !== own)
  if (other) {
    throw new StoreError(
      'misconfigured',
      `the bucket is also that of the cluster ${other.key.slice(clustersPrefix.length)}: nothing is swept until \`millrace restore\` says whose it is`,
    )
  }
  if (marks.length === 0) await core.objects.put(own, [new Uint8Array()])
}

/** From now on the bucket is this cluster's alone. @throws StoreError */
export async function takeBucket(core: Core): Promise<void> {
  const own = clusterMarkKey(await clusterId(core))
  const marks = await core.objects.list(clustersPrefix, { limit: 1_000 })
  await core.objects.delete(marks.map(({ key }) => key).filter((key) => key !== own))
  await core.objects.put(own, [new Uint8Array()])
}
