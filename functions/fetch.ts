import { pollRoutes } from '../src/http/consumers/routes.ts'
import { lambdaHandler } from '../src/http/lambda.ts'
import { directFetchRoutes } from '../src/http/v2/direct-fetch.ts'
import { coreFromEnvironment } from './core.ts'

export const routes = { ...directFetchRoutes, ...pollRoutes }
export const handler = lambdaHandler('fetch', routes, () => coreFromEnvironment())
