/** All route handlers, by function: for a server that answers for every one of them. A Lambda imports only its own. */
import { consumerRoutes, pollRoutes } from './consumers/routes.ts'
import { kafkaRoutes } from './kafka/frame-route.ts'
import { openApiRoutes } from './openapi/routes.ts'
import { directFetchRoutes } from './v2/direct-fetch.ts'
import { metadataRoutes } from './v2/metadata.ts'
import { produceRoutes } from './v2/produce.ts'
import { groupRoutes } from './v3/groups.ts'
import { v3ProduceRoutes } from './v3/produce-routes.ts'
import { v3Routes } from './v3/routes.ts'

export const allRoutes = {
  produce: { ...produceRoutes, ...v3ProduceRoutes },
  fetch: { ...directFetchRoutes, ...pollRoutes },
  commit: consumerRoutes,
  topics: { ...metadataRoutes, ...openApiRoutes, ...v3Routes },
  groups: groupRoutes,
  kafka: kafkaRoutes,
} as const
