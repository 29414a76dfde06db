import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib'
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2'
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch'
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import { type Bucket, CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { makeAlarms } from './alarms.ts'
import { makeApi } from './api.ts'
import { functionCode } from './bundle.ts'
import { type LambdaName, makeFunction } from './functions.ts'
import { type GrantBook, grantBook } from './grants.ts'
import { objectPrefixes, statementsOf } from './permissions.ts'
import { makeSchedule } from './schedule.ts'
import { makeBucket, makeTable } from './storage.ts'

/** Everything is optional; the defaults are those of a log whose data must outlive a mistake. */
export interface MillraceProps {
  /**
   * What becomes of the table and the bucket when the construct is removed. A bucket that is to be destroyed has to be empty.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy
  /**
   * DynamoDB refuses to delete the table while this is on, whoever asks.
   * @default true where removalPolicy is RETAIN
   */
  readonly deletionProtection?: boolean
  /**
   * A key of yours for the table and the bucket (KMS charges for its calls). The stack must then name its region (`env`).
   * @default the keys that DynamoDB and S3 own
   */
  readonly encryptionKey?: IKey
  /**
   * How long objects outlive their deletion, in whole days: so far back the table can be restored and find them. What retention and
   * rolling remove is paid for as long (S3's price of storage). `Duration.days(0)`: no versions are kept, and no restore finds what
   * was removed since.
   * @default 35 days, as far as the table's point-in-time recovery goes back; none where removalPolicy is DESTROY, for such a bucket
   *   could not be emptied
   */
  readonly deletedObjectsKept?: Duration
  /**
   * Where S3 writes the bucket's own access logs.
   * @default none: the API and the functions log each request
   */
  readonly serverAccessLogsBucket?: IBucket
  /**
   * Requests a second that the API lets through in the long run; more get 429. A limit on what a mistake may cost.
   * @default 1000
   */
  readonly throttleRate?: number
  /**
   * Requests that the API lets through at once, above the rate.
   * @default 2000
   */
  readonly throttleBurst?: number
  /**
   * Executions kept for, and at most given to, a function. Taken from the account's limit.
   * @default none reserved: the account's limit holds
   */
  readonly reservedConcurrency?: Partial<Readonly<Record<LambdaName, number>>>
  /**
   * Memory of a function in MiB; its share of a CPU grows with it. A fetch that waits for records is billed by it.
   * @default 512
   */
  readonly memorySize?: Partial<Readonly<Record<LambdaName, number>>>
  /**
   * Stack traces name lines of the source instead of the bundle. The maps are always deployed; reading them makes a cold start
   * some 40 ms longer, so this is for the days of a bug (`NODE_OPTIONS=--enable-source-maps`).
   * @default false
   */
  readonly sourceMaps?: boolean
  /**
   * How long the logs of the API and the functions are kept. They are deleted with the construct.
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays
  /**
   * Kafka's `auto.create.topics.enable`: a produce to a missing topic, or a client's Metadata request that allows it,
   * creates it.
   * @default true
   */
  readonly autoCreateTopics?: boolean
  /**
   * Kafka's `num.partitions`: partitions of a topic created without a count.
   * @default 1
   */
  readonly defaultPartitions?: number
  /**
   * The most partitions that one topic may have.
   * @default 1000
   */
  readonly maxPartitions?: number
  /**
   * Kafka's `offsets.retention.minutes`: how long a group's offsets outlive its last member, or the last commit where it never
   * had one.
   * @default 10080: 7 days
   */
  readonly offsetsRetentionMinutes?: number
  /**
   * Minutes between two runs of the maintenance. One that finds nothing to do costs some ten small reads, and one for each partition.
   * @default 5
   */
  readonly maintenanceMinutes?: number
  /**
   * What to do when a function fails or is throttled, the API answers 5xx, the table throttles, or the maintenance is six hours
   * behind.
   * @default no alarms
   */
  readonly alarmActions?: readonly IAlarmAction[]
}

/**
 * A Kafka log without servers: a table, a bucket, a few functions and an HTTP API that speaks the Kafka REST contract. Nothing in it
 * runs, or costs more than storage, while nobody calls. Every route asks for IAM authorization: `grantInvoke` lets a caller in.
 *
 * Any number of them may stand in one stack. No resource has a fixed name.
 */
export class Millrace extends Construct {
  /** Topics, the order of records, positions. */
  readonly table: TableV2
  /** The bytes of records. */
  readonly bucket: Bucket
  readonly api: HttpApi
  readonly functions: Readonly<Record<LambdaName, IFunction>>
  /** Where the API answers, with a slash at the end: the base URL for REST clients. */
  readonly url: string
  readonly #grants: GrantBook

  constructor(scope: Construct, id: string, props: MillraceProps = {}) {
    super(scope, id)
    checkPartitions(props)
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN
    const storage = {
      removalPolicy,
      deletionProtection: props.deletionProtection ?? removalPolicy === RemovalPolicy.RETAIN,
      encryptionKey: props.encryptionKey,
      serverAccessLogsBucket: props.serverAccessLogsBucket,
      deletedObjectsKeptDays: (props.deletedObjectsKept ?? defaultKept(removalPolicy)).toDays(),
    }
    this.table = makeTable(this, storage)
    this.bucket = makeBucket(this, storage)
    this.functions = makeFunctions(this, { table: this.table, bucket: this.bucket }, props)
    const { api, url } = makeApi(this, this.functions, {
      throttleRate: props.throttleRate ?? 1000,
      throttleBurst: props.throttleBurst ?? 2000,
      logRetention: props.logRetention ?? RetentionDays.ONE_MONTH,
    })
    makeSchedule(this, this.functions.maintain, props.maintenanceMinutes ?? 5)
    this.api = api
    this.url = url
    this.#grants = grantBook(this, { ...this, encryptionKey: props.encryptionKey, logRetention: props.logRetention })
    if (props.alarmActions !== undefined) makeAlarms(this, { ...this, actions: props.alarmActions })
  }

  /**
   * Lets `grantee`, a role or a user, append to a topic, or to all. It may also ask what there is, and sees only its own topics.
   * @param topic a topic's name, whether or not it exists yet; `*`, the default, is all of them
   */
  grantProduce(grantee: IGrantable, topic = '*'): Grant {
    return this.#grants.open(grantee, { kind: 'produce', topic: checkedName('topic', topic) })
  }

  /**
   * Lets `grantee`, a role or a user, read a topic as a member of a group, or directly. Several grants add up, pair by pair. Who
   * shares a group sees and moves its offsets.
   */
  grantConsume(grantee: IGrantable, { group = '*', topic = '*' }: ConsumeGrant = {}): Grant {
    const [checkedGroup, checkedTopic] = [checkedName('group', group), checkedName('topic', topic)]
    return this.#grants.open(grantee, { kind: 'consume', group: checkedGroup, topic: checkedTopic })
  }

  /**
   * Lets `grantee` call every route: for administrators. Its other grants then hold it to nothing. Calls are signed (SigV4, service
   * `execute-api`); IAM decides before a function runs.
   */
  grantInvoke(grantee: IGrantable): Grant {
    this.#grants.noteAdmin(grantee)
    return Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:Invoke'],
      resourceArns: [this.api.arnForExecuteApi()],
    })
  }
}

/** Both default to `*`: every group, every topic. */
export interface ConsumeGrant {
  readonly group?: string
  readonly topic?: string
}

/** A name that would have to be percent-encoded in a URL could not be told from others in a policy. */
const checkedName = (what: string, name: string): string => {
  if (name === '*' || (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..')) return name
  throw new Error(
    `A grant names one ${what} by 1 to 249 letters, digits, '.', '_' and '-', or all of them by '*': not ${JSON.stringify(name)}`,
  )
}

/** A count that only a broken deployment would reveal is refused while synthesizing. */
const checkPartitions = ({ defaultPartitions = 1, maxPartitions = 1000 }: MillraceProps): void => {
  const whole = (count: number): boolean => Number.isSafeInteger(count) && count >= 1
  if (!whole(defaultPartitions) || !whole(maxPartitions) || defaultPartitions > maxPartitions)
    throw new Error(
      `Partitions are counted from 1, the default within the maximum: default ${defaultPartitions}, maximum ${maxPartitions}`,
    )
}

const makeFunctions = (
  scope: Construct,
  stores: { readonly table: TableV2; readonly bucket: Bucket },
  props: MillraceProps,
): Readonly<Record<LambdaName, IFunction>> => {
  const autoCreateTopics = props.autoCreateTopics ?? true
  const environment = {
    MILLRACE_TABLE: stores.table.tableName,
    MILLRACE_BUCKET: stores.bucket.bucketName,
    MILLRACE_AUTO_CREATE_TOPICS: String(autoCreateTopics),
    MILLRACE_DEFAULT_PARTITIONS: String(props.defaultPartitions ?? 1),
    MILLRACE_MAX_PARTITIONS: String(props.maxPartitions ?? 1000),
    MILLRACE_OFFSETS_RETENTION_MINUTES: String(props.offsetsRetentionMinutes ?? 10_080),
    ...(props.sourceMaps === true ? { NODE_OPTIONS: '--enable-source-maps' } : {}),
  }
  const make = (name: LambdaName): IFunction =>
    makeFunction(scope, name, {
      code: functionCode(name),
      memorySize: props.memorySize?.[name] ?? 512,
      reservedConcurrency: props.reservedConcurrency?.[name],
      logRetention: props.logRetention ?? RetentionDays.ONE_MONTH,
      environment,
      statements: statementsOf(name, { ...stores, encryptionKey: props.encryptionKey, autoCreateTopics }),
    })
  acknowledgePrefixes(scope, stores.bucket)
  return {
    produce: make('produce'),
    fetch: make('fetch'),
    commit: make('commit'),
    topics: make('topics'),
    groups: make('groups'),
    kafka: make('kafka'),
    maintain: make('maintain'),
  }
}

/** Objects are named as they come, so a role can name no more of them than a prefix. */
const acknowledgePrefixes = (scope: Construct, bucket: Bucket): void => {
  const { defaultChild } = bucket.node
  if (!(defaultChild instanceof CfnBucket)) throw new Error('An S3 bucket is made of a CfnBucket')
  const logicalId = Stack.of(scope).getLogicalId(defaultChild)
  for (const prefix of objectPrefixes)
    Validations.of(scope).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${logicalId}.Arn>/${prefix}]`,
      reason: 'Objects get their names at run time; the prefix of one kind of object is the narrowest name there is.',
    })
}

const defaultKept = (removalPolicy: RemovalPolicy): Duration =>
  Duration.days(removalPolicy === RemovalPolicy.DESTROY ? 0 : 35)
