/** The two stores: one DynamoDB table (order), one S3 bucket (bytes). Both hold the only copy of what Millrace acknowledged. */
import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib'
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'

export type StorageOptions = {
  readonly removalPolicy: RemovalPolicy
  readonly deletionProtection: boolean
  readonly encryptionKey: IKey | undefined
  readonly serverAccessLogsBucket: IBucket | undefined
  /** Whole days; 0: not at all. */
  readonly deletedObjectsKeptDays: number
}

/** The most that DynamoDB's point-in-time recovery goes back. */
const recoveryDaysMax = 35

/** Key schema and logical id are for ever: a change of either makes CloudFormation replace the table (test/infra pins them). */
export const makeTable = (scope: Construct, options: StorageOptions): TableV2 =>
  new TableV2(scope, 'Table', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    timeToLiveAttribute: 'ttl',
    billing: Billing.onDemand(),
    pointInTimeRecoverySpecification: {
      pointInTimeRecoveryEnabled: true,
      // Further back the table would name objects that are gone; the longest is what DynamoDB does unasked.
      ...(options.deletedObjectsKeptDays > 0 && options.deletedObjectsKeptDays < recoveryDaysMax
        ? { recoveryPeriodInDays: options.deletedObjectsKeptDays }
        : {}),
    },
    deletionProtection: options.deletionProtection,
    removalPolicy: options.removalPolicy,
    encryption:
      options.encryptionKey === undefined
        ? TableEncryptionV2.dynamoOwnedKey()
        : TableEncryptionV2.customerManagedKey(options.encryptionKey),
  })

/**
 * Versioned for the sake of restores alone: an object is created once, never overwritten (conditional PUT), and its name is never used
 * again, so that the one noncurrent version there can be is what was deleted. It is kept as long as the table can be restored to a
 * time at which it was named. The rules only ever free what Millrace has deleted before, and uploads that were never completed. No
 * rule may delete a current object: only Millrace knows what is named.
 */
export const makeBucket = (scope: Construct, options: StorageOptions): Bucket => {
  const { encryptionKey, serverAccessLogsBucket } = options
  const bucket = new Bucket(scope, 'Bucket', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    versioned: options.deletedObjectsKeptDays > 0,
    lifecycleRules: [
      {
        abortIncompleteMultipartUploadAfter: Duration.days(1),
        ...(options.deletedObjectsKeptDays > 0
          ? {
              noncurrentVersionExpiration: Duration.days(options.deletedObjectsKeptDays),
              // What is left of a deletion whose object has been freed.
              expiredObjectDeleteMarker: true,
            }
          : {}),
      },
    ],
    removalPolicy: options.removalPolicy,
    // One KMS call for many objects instead of one for each.
    ...(encryptionKey === undefined
      ? { encryption: BucketEncryption.S3_MANAGED }
      : { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }),
    ...(serverAccessLogsBucket === undefined ? {} : { serverAccessLogsBucket, serverAccessLogsPrefix: 'millrace/' }),
  })
  if (serverAccessLogsBucket === undefined)
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Only the functions read and write objects, and each request is logged twice already (API access log, function log). ' +
        'Access logs of the bucket would cost a PUT for many GETs; pass serverAccessLogsBucket to have them.',
    })
  return bucket
}
