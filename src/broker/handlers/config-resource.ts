/** What DescribeConfigs, AlterConfigs and IncrementalAlterConfigs have in common. */
import { KafkaError } from '../../protocol/errors.ts'
import { inParallel } from '../../runtime/parallel.ts'
import type { Broker } from '../broker.ts'
import type { Caller } from '../caller.ts'
import type { ClusterView } from '../cluster-view.ts'
import { resourceTypes } from '../config-entries.ts'
import { duplicates } from '../duplicates.ts'
import { toKafkaError } from '../errors.ts'

type Resource = { readonly resourceType: number; readonly resourceName: string }
type Config = { readonly name: string; readonly value: string | null }

/** @throws KafkaError INVALID_REQUEST */
export function requireThisBroker({ nodeId }: ClusterView, name: string): void {
  if (name === String(nodeId)) return
  throw new KafkaError('INVALID_REQUEST', `Unexpected broker id, expected ${nodeId}, but received ${name.slice(0, 40)}`)
}

/** Alters each resource alone. Only topics can be altered: what is a broker's is set where Millrace is deployed. */
export async function alterEach<R extends Resource & { readonly configs: readonly { readonly name: string }[] }>(
  broker: Broker,
  { access }: Caller,
  resources: readonly R[],
  alter: (topic: string, resource: R) => Promise<unknown>,
) {
  const twice = duplicates(resources.map(keyOf))
  const distinct = [...new Map(resources.map((resource) => [keyOf(resource), resource])).values()]
  return inParallel(resourcesAtOnce, distinct, async (resource) => {
    try {
      if (twice.has(keyOf(resource))) {
        throw new KafkaError('INVALID_REQUEST', 'Each resource must appear at most once.')
      }
      await access?.requireAdmin()
      checkAlterable(resource)
      await alter(resource.resourceName, resource)
      return altered(resource)
    } catch (error) {
      return altered(resource, toKafkaError(error, broker.report))
    }
  })
}

const resourcesAtOnce = 4

const keyOf = ({ resourceType, resourceName }: Resource): string => `${resourceType}/${resourceName}`

function checkAlterable({
  resourceType,
  configs,
}: Resource & { readonly configs: readonly { readonly name: string }[] }) {
  if (resourceType === resourceTypes.broker) {
    throw new KafkaError(
      'INVALID_REQUEST',
      'Broker configs are set where Millrace is deployed; they cannot be altered.',
    )
  }
  if (resourceType !== resourceTypes.topic) {
    throw new KafkaError('INVALID_REQUEST', `resources of type ${resourceType} have no configs here`)
  }
  const [twice] = duplicates(configs.map(({ name }) => name))
  if (twice !== undefined) throw new KafkaError('INVALID_REQUEST', `Error due to duplicate config keys: ${twice}`)
}

/** @throws KafkaError INVALID_REQUEST */
export function requireValue({ name, value }: Config): string {
  if (value !== null) return value
  throw new KafkaError('INVALID_REQUEST', `Null value not supported for : ${name}`)
}

export const altered = ({ resourceType, resourceName }: Resource, error?: KafkaError) => ({
  errorCode: error?.code ?? 0,
  errorMessage: error?.message ?? null,
  resourceType,
  resourceName,
})
