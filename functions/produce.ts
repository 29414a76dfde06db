import { lambdaHandler } from '../src/http/lambda.ts'
import { produceRoutes } from '../src/http/v2/produce.ts'
import { coreFromEnvironment } from './core.ts'

export const routes = produceRoutes
export const handler = lambdaHandler('produce', routes, () => coreFromEnvironment())
