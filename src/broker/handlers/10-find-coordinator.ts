/**
 * Key 10, FindCoordinator v0–6: one key, from v4 several (KIP-699). Only groups have coordinators: there are no transactions and no
 * share groups. Who asks for the coordinator of a transaction gets the one error that all clients take as final.
 */
import type { RequestOf } from '../../protocol/apis.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler } from '../handler.ts'

const severalKeysVersion = 4
const keyTypes = { group: 0, transaction: 1 } as const

export const findCoordinator: ApiHandler<'findCoordinator'> = {
  async handle(broker, caller, request, version) {
    const coordinators = await Promise.all(keysOf(request, version).map((key) => find(broker, caller, request, key)))
    const [first] = coordinators
    // v0 to v3 have the fields of the first beside the list, later ones the list: the codec drops what does not belong.
    return { ...(first ?? nowhere), coordinators }
  },
  failed(request, error, version) {
    const coordinators = keysOf(request, version).map((key) => withError(key, error))
    const [first] = coordinators
    return { ...(first ?? nowhere), coordinators }
  },
}

const nowhere = { nodeId: -1, host: '', port: -1, errorCode: 0, errorMessage: null }

const keysOf = ({ key, coordinatorKeys }: RequestOf<'findCoordinator'>, version: number): readonly string[] =>
  version < severalKeysVersion ? [key] : coordinatorKeys

async function find({ view, report }: Broker, caller: Caller, { keyType }: RequestOf<'findCoordinator'>, key: string) {
  try {
    if (keyType === keyTypes.transaction) {
      throw new KafkaError('TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'transactions are not supported yet')
    }
    if (keyType !== keyTypes.group) throw new KafkaError('INVALID_REQUEST', `key type ${keyType} has no coordinators`)
    await caller.access?.requireGroup(key)
    const wanted = view.coordinatorOf(key)
    const found = view.brokers().find(({ nodeId }) => nodeId === wanted)
    if (!found) throw new KafkaError('COORDINATOR_NOT_AVAILABLE', 'no broker coordinates this group now')
    const { nodeId, host, port } = found
    return { key, nodeId, host, port, errorCode: 0, errorMessage: null }
  } catch (error) {
    return withError(key, toKafkaError(error, report))
  }
}

const withError = (key: string, error: KafkaError) => ({
  ...nowhere,
  key,
  errorCode: error.code,
  errorMessage: error.message,
})
