import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { Millrace, type MillraceProps } from './millrace.ts'

export interface MillraceStackProps extends StackProps {
  readonly millrace?: MillraceProps
}

/** What `cdk deploy` deploys: one Millrace, and where to find it. The ids are part of the names of retained resources: for ever. */
export class MillraceStack extends Stack {
  readonly log: Millrace

  constructor(scope: Construct, id: string, props: MillraceStackProps = {}) {
    super(scope, id, { description: 'Millrace: Kafka without servers', ...props })
    const log = new Millrace(this, 'Log', props.millrace)
    this.log = log
    new CfnOutput(this, 'Url', {
      value: log.url,
      description: 'Base URL of the REST API; calls are signed for execute-api',
    })
    new CfnOutput(this, 'TableName', { value: log.table.tableName })
    new CfnOutput(this, 'BucketName', { value: log.bucket.bucketName })
  }
}
