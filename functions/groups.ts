import { lambdaHandler } from '../src/http/lambda.ts'
import { groupRoutes } from '../src/http/v3/groups.ts'
import { coreFromEnvironment } from './core.ts'

export const routes = groupRoutes
export const handler = lambdaHandler('groups', routes, () => coreFromEnvironment())
