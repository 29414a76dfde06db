import { consumerRoutes } from '../src/http/consumers/routes.ts'
import { lambdaHandler } from '../src/http/lambda.ts'
import { coreFromEnvironment } from './core.ts'

export const routes = consumerRoutes
export const handler = lambdaHandler('commit', routes, () => coreFromEnvironment())
