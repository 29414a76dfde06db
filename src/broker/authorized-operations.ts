/**
 * What a caller may do with something, for those who ask (KIP-430): all of Kafka's operations where nobody is asked who they are, as
 * a broker without an authorizer says. Of callers that are held to grants nothing is told: grants are no ACLs.
 */
import type { Caller } from './caller.ts'

/** `AclOperation`: its number is its bit. */
const [read, write, create, remove, alter, describe, clusterAction] = [3, 4, 5, 6, 7, 8, 9]
const [describeConfigs, alterConfigs, idempotentWrite] = [10, 11, 12]

const bits = (...operations: readonly number[]): number => operations.reduce((sum, bit) => sum + 2 ** bit, 0)

const all = {
  cluster: bits(create, alter, describe, clusterAction, describeConfigs, alterConfigs, idempotentWrite),
  topic: bits(read, write, create, remove, alter, describe, describeConfigs, alterConfigs),
  group: bits(read, remove, describe, describeConfigs, alterConfigs),
}

/** Kafka's own word for "not told": clients read it as null. */
const untold = -2147483648

export const authorizedOperations = ({ access }: Caller, of: keyof typeof all, isAsked = true): number =>
  isAsked && !access ? all[of] : untold
