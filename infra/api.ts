/** The HTTP API: every route of `functions/routes.ts`, each with IAM authorization, one integration a function. */
import { Names, RemovalPolicy } from 'aws-cdk-lib'
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway'
import {
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2'
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers'
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import { type FunctionName, functionNames, routes } from '../functions/routes.ts'

export type ApiOptions = {
  readonly throttleRate: number
  readonly throttleBurst: number
  readonly logRetention: RetentionDays
}

/** One JSON line a request. Never the query string or a header: they may hold what callers keep to themselves. */
const accessLogFormat = AccessLogFormat.custom(
  JSON.stringify({
    time: '$context.requestTimeEpoch',
    requestId: '$context.requestId',
    principal: '$context.identity.userArn',
    account: '$context.identity.accountId',
    ip: '$context.identity.sourceIp',
    route: '$context.routeKey',
    path: '$context.path',
    status: '$context.status',
    responseBytes: '$context.responseLength',
    latencyMs: '$context.responseLatency',
    integrationMs: '$context.integrationLatency',
    integrationError: '$context.integrationErrorMessage',
    error: '$context.error.message',
  }),
)

const splitRoute = (route: string): { readonly method: HttpMethod; readonly path: string } => {
  const [method, path] = route.split(' ')
  const known = Object.values(HttpMethod).find((each) => each === method)
  if (known === undefined || path === undefined) throw new Error(`Not a route key: "${route}"`)
  return { method: known, path }
}

export const makeApi = (
  scope: Construct,
  functions: Readonly<Record<FunctionName, IFunction>>,
  options: ApiOptions,
): { readonly api: HttpApi; readonly url: string } => {
  const api = new HttpApi(scope, 'Api', {
    // Shown in the console only, where two deployments should not look alike.
    apiName: Names.uniqueResourceName(scope, { separator: '-' }),
    description: 'Millrace: the Kafka REST contract over DynamoDB and S3',
    createDefaultStage: false,
    defaultAuthorizer: new HttpIamAuthorizer(),
  })
  const logGroup = new LogGroup(scope, 'ApiLog', {
    retention: options.logRetention,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  const stage = new HttpStage(scope, 'Stage', {
    httpApi: api,
    stageName: '$default',
    autoDeploy: true,
    throttle: { rateLimit: options.throttleRate, burstLimit: options.throttleBurst },
    accessLogSettings: { destination: new LogGroupLogDestination(logGroup), format: accessLogFormat },
  })
  for (const name of functionNames) {
    // One permission for the whole API: one for each route would outgrow the 20 KB that a function's resource policy may have.
    const integration = new HttpLambdaIntegration(name, functions[name], { scopePermissionToRoute: false })
    for (const route of routes[name]) {
      const { method, path } = splitRoute(route)
      new HttpRoute(api, route, { httpApi: api, routeKey: HttpRouteKey.with(path, method), integration })
    }
  }
  return { api, url: stage.url }
}
