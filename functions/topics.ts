import { lambdaHandler } from '../src/http/lambda.ts'
import { openApiRoutes } from '../src/http/openapi/routes.ts'
import { metadataRoutes } from '../src/http/v2/metadata.ts'
import { v3Routes } from '../src/http/v3/routes.ts'
import { coreFromEnvironment } from './core.ts'

export const routes = { ...metadataRoutes, ...openApiRoutes, ...v3Routes }
export const handler = lambdaHandler('topics', routes, () => coreFromEnvironment())
