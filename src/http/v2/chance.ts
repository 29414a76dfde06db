import { partitionForKey } from '../../protocol/murmur2.ts'
import type { Random } from '../../runtime/clock.ts'
import type { Core } from '../../runtime/core.ts'
import type { Idempotency } from '../idempotency.ts'

/** A request that is sent again under its key takes the same dice, so that its keyless records go to the same partition. */
export const chance = (core: Core, idempotency: Idempotency | undefined): Pick<Random, 'below'> =>
  idempotency ? { below: (bound) => partitionForKey(idempotency.fingerprint, bound) } : core.random
