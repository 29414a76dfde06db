/** The clock of a deployment without servers: one rule that starts the function which tidies up. */
import { Duration } from 'aws-cdk-lib'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'

export const makeSchedule = (scope: Construct, maintain: IFunction, minutes: number): Rule => {
  if (!Number.isSafeInteger(minutes) || minutes < 1)
    throw new Error(`Maintenance runs every so many whole minutes, not every ${minutes}`)
  return new Rule(scope, 'MaintainSchedule', {
    description: 'Millrace: starts the maintenance of what no caller will ask for again',
    schedule: Schedule.rate(Duration.minutes(minutes)),
    // A run that was not started is not missed: the next one goes on where the last one stopped.
    targets: [new LambdaFunction(maintain, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
  })
}
