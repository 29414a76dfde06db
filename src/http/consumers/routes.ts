import type { RouteHandlers } from '../request.ts'
import { assign, assignments } from './assignments.ts'
import { create } from './create.ts'
import { remove } from './ending.ts'
import { commit, committed } from './offsets.ts'
import { poll } from './poll.ts'
import { seek, seekToBound } from './positions.ts'
import { subscribe, subscription, unsubscribe } from './subscription.ts'

/** Everything about consumer instances but reading. */
export const consumerRoutes = {
  'POST /consumers/{group}': create,
  'DELETE /consumers/{group}/instances/{instance}': remove,
  'GET /consumers/{group}/instances/{instance}/subscription': subscription,
  'POST /consumers/{group}/instances/{instance}/subscription': subscribe,
  'DELETE /consumers/{group}/instances/{instance}/subscription': unsubscribe,
  'GET /consumers/{group}/instances/{instance}/assignments': assignments,
  'POST /consumers/{group}/instances/{instance}/assignments': assign,
  'POST /consumers/{group}/instances/{instance}/positions': seek,
  'POST /consumers/{group}/instances/{instance}/positions/beginning': seekToBound('earliest'),
  'POST /consumers/{group}/instances/{instance}/positions/end': seekToBound('latest'),
  'GET /consumers/{group}/instances/{instance}/offsets': committed,
  'POST /consumers/{group}/instances/{instance}/offsets': commit,
} satisfies RouteHandlers

export const pollRoutes = {
  'GET /consumers/{group}/instances/{instance}/records': poll,
} satisfies RouteHandlers
