/** One Lambda function, with a role and a log group of its own. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { Effect, Policy, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import {
  Architecture,
  type Code,
  Function as LambdaFunction,
  LoggingFormat,
  RecursiveLoop,
  Runtime,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'
import type { FunctionName, ScheduledName } from '../functions/routes.ts'

export type FunctionOptions = {
  readonly code: Code
  readonly memorySize: number
  readonly reservedConcurrency: number | undefined
  readonly logRetention: RetentionDays
  readonly environment: Readonly<Record<string, string>>
  readonly statements: readonly PolicyStatement[]
}

export type LambdaName = FunctionName | ScheduledName

/** One second less than an HTTP API waits, so that the caller gets our answer and not a bare 504. */
const apiTimeout = Duration.seconds(29)
/** Nobody waits for it: a slice as large as one cold start is worth. */
const maintainTimeout = Duration.minutes(2)

/** Beside the log's own functions: `grants` writes what principals are granted, at deployment. */
export const makeFunction = (
  scope: Construct,
  name: LambdaName | 'grants',
  options: FunctionOptions,
): LambdaFunction => {
  const id = name.charAt(0).toUpperCase() + name.slice(1)
  const logGroup = new LogGroup(scope, `${id}Log`, {
    retention: options.logRetention,
    removalPolicy: RemovalPolicy.DESTROY,
  })
  const role = new Role(scope, `${id}Role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description: `What Millrace's ${name} function may do, and no more`,
    inlinePolicies: {
      millrace: new PolicyDocument({
        statements: [
          new PolicyStatement({
            sid: 'Log',
            effect: Effect.ALLOW,
            actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            resources: [logGroup.logGroupArn],
          }),
          ...options.statements,
        ],
      }),
    },
  })
  const made = new LambdaFunction(scope, id, {
    description: `Millrace: ${name}`,
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    handler: 'index.handler',
    code: options.code,
    memorySize: options.memorySize,
    timeout: name === 'maintain' ? maintainTimeout : apiTimeout,
    role,
    logGroup,
    // Our lines are JSON already, and metrics (EMF) must reach the log as they are.
    loggingFormat: LoggingFormat.TEXT,
    // Tracing stays off: it needs a permission on every resource (`*`) and a charge a request; each log line has the same figures.
    environment: {
      ...options.environment,
      // Names the caller in the User-Agent of every AWS call, and so in CloudTrail.
      AWS_SDK_UA_APP_ID: `millrace-${name}`,
    },
    ...(options.reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: options.reservedConcurrency }),
    ...(name === 'maintain' ? startsItself : {}),
  })
  if (name === 'maintain') letStartItself(scope, made, role)
  return made
}

/**
 * Lambda ends a function that calls itself after some 16 rounds, unless told that it is meant; ours counts its rounds. A run that
 * failed is not tried again by Lambda: the schedule does, and each attempt would count its own rounds.
 */
const startsItself = { recursiveLoop: RecursiveLoop.ALLOW, retryAttempts: 0 } as const

/** A policy of its own: in the role, which the function waits for, it could not name the function. */
const letStartItself = (scope: Construct, { functionArn }: LambdaFunction, role: Role): void => {
  new Policy(scope, 'MaintainAgain', {
    roles: [role],
    statements: [
      new PolicyStatement({ sid: 'StartItself', actions: ['lambda:InvokeFunction'], resources: [functionArn] }),
    ],
  })
}
