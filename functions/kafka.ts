import { kafkaRoutes } from '../src/http/kafka/frame-route.ts'
import { lambdaHandler } from '../src/http/lambda.ts'
import { coreFromEnvironment } from './core.ts'

export const routes = kafkaRoutes
export const handler = lambdaHandler('kafka', routes, () => coreFromEnvironment())
