import type { Core } from '../runtime/core.ts'
import { set, setIfAbsent } from '../store/items.ts'
import { requireFormat } from './format.ts'
import { clusterKey } from './keys.ts'
import { newUuid } from './uuid.ts'

const clusterFormat = 1

/** The id of this deployment, made by whoever asks first and never changed, but by a restore. */
export async function clusterId(core: Core): Promise<string> {
  const known = core.memory.immutable.get(clusterKey.pk)
  if (typeof known === 'string') return known
  const item = (await core.items.get(clusterKey)) ?? (await makeCluster(core))
  requireFormat('cluster', clusterKey.pk, item?.v, clusterFormat)
  const id = String(item?.id)
  core.memory.immutable.set(clusterKey.pk, id, id.length)
  return id
}

async function makeCluster(core: Core) {
  const patches = [setIfAbsent('v', clusterFormat), setIfAbsent('id', newUuid(core.random))]
  return (await core.items.update(clusterKey, { patches })).item
}

/** Gives the deployment a new id: what was restored is not the one that its clients knew. @throws StoreError */
export async function renewCluster(core: Core): Promise<void> {
  const patches = [set('v', clusterFormat), set('id', newUuid(core.random))]
  await core.items.update(clusterKey, { patches })
  core.memory.immutable.delete(clusterKey.pk)
}
