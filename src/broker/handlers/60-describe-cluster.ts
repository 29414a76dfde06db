/** Key 60, DescribeCluster v0–2: the live brokers. Controllers are not to be reached by themselves (KIP-919). */
import { clusterId } from '../../log/cluster.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { authorizedOperations } from '../authorized-operations.ts'
import type { ApiHandler } from '../handler.ts'
import { endpoints } from '../leaders.ts'

const brokersWanted = 1
const controllersWanted = 2

export const describeCluster: ApiHandler<'describeCluster'> = {
  async handle({ core, view }, caller, { endpointType, includeClusterAuthorizedOperations }) {
    if (endpointType !== brokersWanted) {
      throw endpointType === controllersWanted
        ? new KafkaError('MISMATCHED_ENDPOINT_TYPE', 'this is a broker, and no controller')
        : new KafkaError('UNSUPPORTED_ENDPOINT_TYPE', `endpoint type ${endpointType} is not known`)
    }
    const brokers = endpoints(view).map(({ nodeId, ...rest }) => ({ brokerId: nodeId, ...rest }))
    const clusterAuthorizedOperations = authorizedOperations(caller, 'cluster', includeClusterAuthorizedOperations)
    const id = await clusterId(core)
    return { errorCode: 0, clusterId: id, controllerId: view.controller(), brokers, clusterAuthorizedOperations }
  },
  failed: (_request, error) => ({ errorCode: error.code, errorMessage: error.message, clusterId: '', brokers: [] }),
}
