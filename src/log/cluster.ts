import type { Core } from '../runtime/core.ts'
import { setIfAbsent } from '../store/items.ts'
import { requireFormat } from './format.ts'
import { clusterKey } from './keys.ts'
import { newUuid } from './uuid.ts'

const clusterFormat = 1

/** The id of this deployment, made by whoever asks first and never changed. */
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
