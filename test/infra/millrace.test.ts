import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import { AccountPrincipal, Role } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { describe, expect, it } from 'vitest'
import { functionNames, routes, scheduledNames } from '../../functions/routes.ts'
import { Millrace } from '../../infra/millrace.ts'
import { fastApp, resourcesOf, templateOf } from './synth.ts'

const table = 'AWS::DynamoDB::GlobalTable'
const bucket = 'AWS::S3::Bucket'
const lambda = 'AWS::Lambda::Function'
const lambdaNames = [...functionNames, ...scheduledNames]

describe('the API', () => {
  const template = templateOf()

  it('has every route of functions/routes.ts, and no other', () => {
    const made = resourcesOf(template, 'AWS::ApiGatewayV2::Route').map(({ Properties }) => Properties?.RouteKey)
    expect(made.toSorted()).toEqual(functionNames.flatMap((name) => [...routes[name]]).toSorted())
  })

  it('asks for IAM authorization on every route', () => {
    template.allResourcesProperties('AWS::ApiGatewayV2::Route', { AuthorizationType: 'AWS_IAM' })
  })

  it('throttles and logs each request', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 1000, ThrottlingBurstLimit: 2000 },
      AccessLogSettings: { DestinationArn: Match.anyValue(), Format: Match.stringLikeRegexp('identity.userArn') },
    })
    templateOf({ throttleRate: 5, throttleBurst: 7 }).hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: { ThrottlingRateLimit: 5, ThrottlingBurstLimit: 7 },
    })
  })

  it('may be called by nobody until a caller is let in', () => {
    const stack = new Stack(fastApp(), 'Stack')
    const log = new Millrace(stack, 'Log')
    log.grantInvoke(new Role(stack, 'Caller', { assumedBy: new AccountPrincipal('123456789012') }))
    const policies = resourcesOf(Template.fromStack(stack), 'AWS::IAM::Policy').filter(
      ({ Properties }) => !JSON.stringify(Properties).includes('StartItself'),
    )
    expect(policies).toHaveLength(1)
    expect(JSON.stringify(policies)).toContain('execute-api:Invoke')
    expect(JSON.stringify(resourcesOf(template, 'AWS::IAM::Role'))).not.toContain('execute-api')
  })
})

describe('the table', () => {
  it('is on demand, restorable to any second, forgets by the attribute ttl, and outlives its stack', () => {
    const template = templateOf()
    template.hasResource(table, {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BillingMode: 'PAY_PER_REQUEST',
        TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
        Replicas: [
          {
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          },
        ],
      },
    })
  })

  it('gives up its protection only where the operator says so', () => {
    const { DESTROY } = RemovalPolicy
    templateOf({ removalPolicy: DESTROY }).hasResource(table, {
      DeletionPolicy: 'Delete',
      Properties: { Replicas: [{ DeletionProtectionEnabled: false }] },
    })
    templateOf({ removalPolicy: DESTROY, deletionProtection: true }).hasResource(table, {
      Properties: { Replicas: [{ DeletionProtectionEnabled: true }] },
    })
  })
})

describe('the bucket', () => {
  const template = templateOf()

  it('is private, encrypted and retained', () => {
    template.hasResource(bucket, {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BucketEncryption: Match.anyValue(),
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      },
    })
  })

  it('refuses whatever does not come over TLS', () => {
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    })
  })

  const rulesOf = (of: Template): unknown => resourcesOf(of, bucket)[0]?.Properties?.LifecycleConfiguration

  it('keeps what was deleted as long as the table can be restored, and no rule could delete anything else', () => {
    template.hasResourceProperties(bucket, { VersioningConfiguration: { Status: 'Enabled' } })
    expect(rulesOf(template)).toEqual({
      Rules: [
        {
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
          ExpiredObjectDeleteMarker: true,
          NoncurrentVersionExpiration: { NoncurrentDays: 35 },
          Status: 'Enabled',
        },
      ],
    })
  })

  it('keeps it as long as it is told to, and the table can be restored no further back', () => {
    const shorter = templateOf({ deletedObjectsKept: Duration.days(7) })
    expect(JSON.stringify(rulesOf(shorter))).toContain('"NoncurrentDays":7')
    expect(JSON.stringify(resourcesOf(shorter, table))).toContain('"RecoveryPeriodInDays":7')
  })

  it('keeps no versions where it is to be thrown away', () => {
    for (const of of [
      templateOf({ deletedObjectsKept: Duration.days(0) }),
      templateOf({ removalPolicy: RemovalPolicy.DESTROY }),
    ]) {
      expect(resourcesOf(of, bucket)[0]?.Properties?.VersioningConfiguration).toBeUndefined()
      expect(rulesOf(of)).toEqual({
        Rules: [{ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 }, Status: 'Enabled' }],
      })
    }
  })
})

describe('the functions', () => {
  it('run on arm64 and Node 24, and know their stores and settings', () => {
    const template = templateOf({
      autoCreateTopics: false,
      defaultPartitions: 6,
      maxPartitions: 12,
      offsetsRetentionMinutes: 60,
    })
    expect(resourcesOf(template, lambda)).toHaveLength(lambdaNames.length)
    template.allResourcesProperties(lambda, {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      LoggingConfig: { LogGroup: Match.anyValue() },
      Environment: {
        Variables: {
          MILLRACE_TABLE: Match.anyValue(),
          MILLRACE_BUCKET: Match.anyValue(),
          MILLRACE_AUTO_CREATE_TOPICS: 'false',
          MILLRACE_DEFAULT_PARTITIONS: '6',
          MILLRACE_MAX_PARTITIONS: '12',
          MILLRACE_OFFSETS_RETENTION_MINUTES: '60',
          AWS_SDK_UA_APP_ID: Match.stringLikeRegexp('^millrace-'),
        },
      },
    })
  })

  it('answer before the API gives up, and the schedule’s takes its time', () => {
    const template = templateOf()
    for (const name of functionNames)
      template.hasResourceProperties(lambda, { Description: `Millrace: ${name}`, Timeout: 29 })
    template.hasResourceProperties(lambda, { Description: 'Millrace: maintain', Timeout: 120 })
  })

  it('read source maps only where asked to', () => {
    const options = (wanted: unknown) => ({ Environment: { Variables: { NODE_OPTIONS: wanted } } })
    templateOf().allResourcesProperties(lambda, options(Match.absent()))
    templateOf({ sourceMaps: true }).allResourcesProperties(lambda, options('--enable-source-maps'))
  })

  it('take memory and concurrency each for itself', () => {
    const template = templateOf({ memorySize: { fetch: 128 }, reservedConcurrency: { fetch: 3 } })
    template.hasResourceProperties(lambda, {
      Description: 'Millrace: fetch',
      MemorySize: 128,
      ReservedConcurrentExecutions: 3,
    })
    template.hasResourceProperties(lambda, {
      Description: 'Millrace: produce',
      MemorySize: 512,
      ReservedConcurrentExecutions: Match.absent(),
    })
  })

  it('log for as long as the operator says, and each group ends', () => {
    templateOf().allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 })
    templateOf({ logRetention: RetentionDays.ONE_DAY }).allResourcesProperties('AWS::Logs::LogGroup', {
      RetentionInDays: 1,
    })
  })

  it('refuse partition counts that contradict each other while synthesizing', () => {
    expect(() => templateOf({ defaultPartitions: 0 })).toThrow('Partitions are counted from 1')
    expect(() => templateOf({ defaultPartitions: 9, maxPartitions: 8 })).toThrow('default 9, maximum 8')
  })
})

describe('the schedule', () => {
  const rule = 'AWS::Events::Rule'

  it('starts the maintenance every five minutes, or as often as the operator says', () => {
    templateOf().hasResourceProperties(rule, {
      ScheduleExpression: 'rate(5 minutes)',
      State: 'ENABLED',
      Targets: [{ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('Maintain'), 'Arn'] } }],
    })
    templateOf({ maintenanceMinutes: 60 }).hasResourceProperties(rule, { ScheduleExpression: 'rate(1 hour)' })
    templateOf({ maintenanceMinutes: 1 }).hasResourceProperties(rule, { ScheduleExpression: 'rate(1 minute)' })
    expect(() => templateOf({ maintenanceMinutes: 0 })).toThrow('every so many whole minutes')
  })

  it('is the only one that may start it: no route does', () => {
    const template = templateOf()
    const permissions = resourcesOf(template, 'AWS::Lambda::Permission').filter(({ Properties }) =>
      JSON.stringify(Properties?.FunctionName).includes('Maintain'),
    )
    expect(permissions.map(({ Properties }) => Properties?.Principal)).toEqual(['events.amazonaws.com'])
    expect(JSON.stringify(permissions[0]?.Properties?.SourceArn)).toContain('MaintainSchedule')
  })
})

describe('the maintenance', () => {
  const template = templateOf()
  const maintain = Object.keys(template.findResources(lambda, { Properties: { Description: 'Millrace: maintain' } }))

  it('may start itself anew, and nobody else', () => {
    const [policy, ...others] = resourcesOf(template, 'AWS::IAM::Policy')
    expect(others).toEqual([])
    expect(policy?.Properties).toMatchObject({
      PolicyDocument: {
        Statement: [{ Action: 'lambda:InvokeFunction', Resource: { 'Fn::GetAtt': [maintain[0], 'Arn'] } }],
      },
      Roles: [{ Ref: expect.stringMatching('Maintain') }],
    })
    for (const role of resourcesOf(template, 'AWS::IAM::Role'))
      expect(JSON.stringify(role)).not.toContain('lambda:InvokeFunction')
  })

  it('is not stopped as a loop, and counts its failures once', () => {
    template.hasResourceProperties(lambda, { Description: 'Millrace: maintain', RecursiveLoop: 'Allow' })
    expect(Object.keys(template.findResources(lambda, { Properties: { RecursiveLoop: 'Allow' } }))).toEqual(maintain)
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: maintain[0] },
      MaximumRetryAttempts: 0,
    })
  })
})

describe('options', () => {
  it('a key of the customer encrypts both stores, and the functions may use it through them only', () => {
    const template = templateOf((stack) => ({ encryptionKey: new Key(stack, 'Key') }))
    template.hasResourceProperties(table, { SSESpecification: { SSEEnabled: true, SSEType: 'KMS' } })
    template.hasResourceProperties(bucket, {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } },
        ],
      },
    })
    for (const { Properties } of resourcesOf(template, 'AWS::IAM::Role'))
      expect(JSON.stringify(Properties)).toContain('kms:ViaService')
  })

  it('alarms watch functions, API and table, and call whom they are told to', () => {
    const alarm = 'AWS::CloudWatch::Alarm'
    templateOf().resourceCountIs(alarm, 0)
    const template = templateOf((stack) => ({ alarmActions: [new SnsAction(new Topic(stack, 'OnCall'))] }))
    template.resourceCountIs(alarm, 2 * lambdaNames.length + 4)
    template.hasResourceProperties(alarm, {
      Namespace: 'Millrace',
      MetricName: 'BacklogAge',
      Dimensions: [{ Name: 'Function', Value: { Ref: Match.stringLikeRegexp('Maintain') } }],
      Threshold: 6 * 3_600_000,
    })
    template.allResourcesProperties(alarm, { AlarmActions: [Match.anyValue()], TreatMissingData: 'notBreaching' })
  })

  it('two Millraces stand in one stack', () => {
    const stack = new Stack(fastApp(), 'Stack')
    const [orders, clicks] = [new Millrace(stack, 'Orders'), new Millrace(stack, 'Clicks')]
    expect(orders.url).not.toBe(clicks.url)
    const template = Template.fromStack(stack)
    template.resourceCountIs(table, 2)
    template.resourceCountIs(lambda, 2 * lambdaNames.length)
  })
})
