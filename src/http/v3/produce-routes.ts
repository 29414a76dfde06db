/**
 * The v3 calls that the produce function answers. AWS documents colons in paths for REST APIs only, and a route key that an HTTP API
 * refuses would fail the whole deployment: `records:batch` and `configs:alter` come as a parameter's value, which may hold anything.
 * All that altering configs needs of the stores an append needs too.
 */
import { HttpError } from '../errors.ts'
import { param, type RouteHandler, type RouteHandlers } from '../request.ts'
import { produceBatch, produceRecords } from './records.ts'
import { alterConfigs } from './topic-configs.ts'

const verbs = new Map<string, RouteHandler>([
  ['records:batch', produceBatch],
  ['configs:alter', alterConfigs],
])

export const v3ProduceRoutes = {
  'POST /v3/clusters/{cluster}/topics/{topic}/records': produceRecords,
  'POST /v3/clusters/{cluster}/topics/{topic}/{verb}': async (core, request) => {
    const handler = verbs.get(param(request, 'verb'))
    if (!handler) throw new HttpError('noSuchPath', 'HTTP 404 Not Found')
    return handler(core, request)
  },
} satisfies RouteHandlers
