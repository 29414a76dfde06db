import { KafkaError } from '../../protocol/errors.ts'
import type { ClusterView } from '../cluster-view.ts'
import { duplicates } from '../duplicates.ts'

/** The brokers that a request wants a partition on. @throws KafkaError INVALID_REPLICA_ASSIGNMENT */
export function checkAssignment(view: ClusterView, brokerIds: readonly number[]): void {
  const live = new Set(view.brokers().map(({ nodeId }) => nodeId))
  if (brokerIds.length > 0 && duplicates(brokerIds).size === 0 && brokerIds.every((id) => live.has(id))) return
  throw new KafkaError(
    'INVALID_REPLICA_ASSIGNMENT',
    `[${brokerIds.slice(0, 20)}] is no list of live brokers: they are [${[...live]}]`,
  )
}
