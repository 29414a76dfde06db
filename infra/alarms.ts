/**
 * Questions a person on call would ask: do functions fail, are they throttled, does the API fail, does the table throttle, does the
 * maintenance keep up?
 */
import { Duration } from 'aws-cdk-lib'
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2'
import { ComparisonOperator, type IAlarmAction, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import { functionNames, scheduledNames } from '../functions/routes.ts'
import type { LambdaName } from './functions.ts'

export type Watched = {
  readonly api: HttpApi
  readonly table: TableV2
  readonly functions: Readonly<Record<LambdaName, IFunction>>
  readonly actions: readonly IAlarmAction[]
}

const period = Duration.minutes(5)

/** A pass over everything takes minutes; so long it takes only where runs fail, or there is more to do than they can. */
const backlogMs = Duration.hours(6).toMilliseconds()

/** An alarm at the first occurrence within five minutes, or from a threshold on; silence is good news. */
const alarm = (
  scope: Construct,
  id: string,
  description: string,
  metric: Metric,
  actions: readonly IAlarmAction[],
  threshold = 1,
): void => {
  metric
    .createAlarm(scope, id, {
      alarmDescription: description,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
    .addAlarmAction(...actions)
}

export const makeAlarms = (scope: Construct, { api, table, functions, actions }: Watched): void => {
  const statistic = 'Sum'
  for (const name of [...functionNames, ...scheduledNames]) {
    const id = name.charAt(0).toUpperCase() + name.slice(1)
    const it = functions[name]
    alarm(
      scope,
      `${id}Failed`,
      `Millrace: ${name} ended without an answer`,
      it.metricErrors({ period, statistic }),
      actions,
    )
    alarm(
      scope,
      `${id}Throttled`,
      `Millrace: ${name} had no free execution`,
      it.metricThrottles({ period, statistic }),
      actions,
    )
  }
  alarm(scope, 'ApiFailed', 'Millrace: the API answered 5xx', api.metricServerError({ period, statistic }), actions)
  for (const direction of ['Read', 'Write'] as const) {
    const refused = new Metric({
      namespace: 'AWS/DynamoDB',
      metricName: `${direction}ThrottleEvents`,
      dimensionsMap: { TableName: table.tableName },
      period,
      statistic,
    })
    alarm(
      scope,
      `Table${direction}Throttled`,
      `Millrace: DynamoDB refused a ${direction.toLowerCase()}`,
      refused,
      actions,
    )
  }
  const backlogAge = new Metric({
    namespace: 'Millrace',
    metricName: 'BacklogAge',
    dimensionsMap: { Function: functions.maintain.functionName },
    period,
    statistic: 'Maximum',
  })
  const behind = 'Millrace: the maintenance is hours behind: what is over stays, and history is read slowly'
  alarm(scope, 'MaintainBehind', behind, backlogAge, actions, backlogMs)
}
