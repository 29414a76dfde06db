import { noContent } from '../replies.ts'
import { param, type RouteHandlers } from '../request.ts'
import { assign, assignments } from './assignments.ts'
import { create } from './create.ts'
import { deleteInstance } from './instance.ts'
import { commit, committed } from './offsets.ts'
import { poll } from './poll.ts'
import { seek, seekToBound } from './positions.ts'

/** Everything about consumer instances but reading. */
export const consumerRoutes = {
  'POST /consumers/{group}': create,
  'DELETE /consumers/{group}/instances/{instance}': async (core, request) => {
    await deleteInstance(core, param(request, 'group'), param(request, 'instance'))
    return noContent
  },
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
