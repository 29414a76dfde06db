import { lambdaHandler } from '../src/http/lambda.ts'
import { produceRoutes } from '../src/http/v2/produce.ts'
import { v3ProduceRoutes } from '../src/http/v3/produce-routes.ts'
import { coreFromEnvironment } from './core.ts'

export const routes = { ...produceRoutes, ...v3ProduceRoutes }
export const handler = lambdaHandler('produce', routes, () => coreFromEnvironment())
