import { clusterId } from '../../log/cluster.ts'
import type { Core } from '../../runtime/core.ts'
import { HttpError } from '../errors.ts'
import { type HttpRequest, param } from '../request.ts'

/** The id of this cluster, which the path has to name. 404 for another's. */
export async function requireCluster(core: Core, request: HttpRequest): Promise<string> {
  const wanted = param(request, 'cluster')
  const id = await clusterId(core)
  if (wanted !== id) throw new HttpError('noSuchPath', `Cluster ${wanted} cannot be found.`)
  return id
}
