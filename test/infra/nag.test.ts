import { Stack, Validations } from 'aws-cdk-lib'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { AccountPrincipal, Role } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { AwsSolutionsChecks } from 'cdk-nag'
import { describe, expect, it } from 'vitest'
import { Millrace } from '../../infra/millrace.ts'
import { MillraceStack } from '../../infra/stack.ts'
import { fastApp, somewhere } from './synth.ts'

describe('cdk-nag', () => {
  it('finds nothing in the deployed stack but what is excepted with a reason', () => {
    const app = fastApp()
    new MillraceStack(app, 'Millrace')
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    expect(() => app.synth()).not.toThrow()
  })

  it('finds nothing where every option is used', () => {
    const app = fastApp()
    const stack = new Stack(app, 'Stack', { env: somewhere })
    const logs = Bucket.fromBucketName(stack, 'Logs', 'access-logs')
    new Millrace(stack, 'Log', {
      encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }),
      serverAccessLogsBucket: logs,
      alarmActions: [new SnsAction(new Topic(stack, 'Alarms', { enforceSSL: true }))],
    })
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    expect(() => app.synth()).not.toThrow()
  })

  it('finds nothing in what grants add', () => {
    const app = fastApp()
    const stack = new Stack(app, 'Stack', { env: somewhere })
    const log = new Millrace(stack, 'Log', {
      serverAccessLogsBucket: Bucket.fromBucketName(stack, 'Logs', 'access-logs'),
    })
    const role = new Role(stack, 'Caller', { assumedBy: new AccountPrincipal('123456789012') })
    log.grantProduce(role)
    log.grantConsume(role, { group: 'g', topic: 'orders' })
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    expect(() => app.synth()).not.toThrow()
  })

  it('would have found a bucket without TLS', () => {
    const app = fastApp()
    new Bucket(new MillraceStack(app, 'Millrace'), 'Careless')
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    expect(() => app.synth()).toThrow('AwsSolutions-S10')
  })
})
