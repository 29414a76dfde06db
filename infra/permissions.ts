/**
 * What each function may do: exact actions, on this table (by partition key) and under these prefixes of this bucket. The
 * LocalStack lane records every call a function makes and holds it against these statements.
 */
import { Stack } from 'aws-cdk-lib'
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { FunctionName } from '../functions/routes.ts'

export type Grantable = { readonly table: TableV2; readonly bucket: Bucket; readonly encryptionKey: IKey | undefined }

type Need = {
  readonly items: readonly {
    readonly sid: string
    readonly actions: readonly string[]
    readonly keys: readonly string[]
  }[]
  /** Actions on objects, and the prefixes they are for. */
  readonly objects: readonly {
    readonly sid: string
    readonly actions: readonly string[]
    readonly prefixes: readonly string[]
  }[]
  /** `s3:ListBucket`: without it S3 answers 403, not 404, for an object that has been rolled or retained away. */
  readonly seesMissingObjects: boolean
}

const read = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'] as const
/** Creating or deleting a topic is one transaction, and DynamoDB asks for the permission of every kind of action in it. */
const transact = [
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
] as const

const needs: Readonly<Record<FunctionName, Need>> = {
  produce: {
    items: [{ sid: 'Append', actions: [...read, ...transact], keys: ['*'] }],
    objects: [{ sid: 'StoreBlobs', actions: ['s3:PutObject'], prefixes: ['blobs/*'] }],
    seesMissingObjects: false,
  },
  fetch: {
    items: [{ sid: 'Read', actions: [...read, 'dynamodb:UpdateItem'], keys: ['*'] }],
    objects: [{ sid: 'ReadObjects', actions: ['s3:GetObject'], prefixes: ['blobs/*', 'segments/*'] }],
    seesMissingObjects: true,
  },
  commit: {
    items: [{ sid: 'Commit', actions: [...read, ...transact], keys: ['*'] }],
    objects: [],
    seesMissingObjects: false,
  },
  topics: {
    items: [{ sid: 'Topics', actions: [...read, ...transact], keys: ['*'] }],
    objects: [],
    seesMissingObjects: false,
  },
}

/** The statements of one function's role, apart from its log. */
export const statementsOf = (name: FunctionName, grantable: Grantable): PolicyStatement[] => {
  const { items, objects, seesMissingObjects } = needs[name]
  const { table, bucket } = grantable
  return [
    ...items.map(
      ({ sid, actions, keys }) =>
        new PolicyStatement({
          sid,
          actions: [...actions],
          resources: [table.tableArn],
          ...(keys.includes('*')
            ? {}
            : { conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } } }),
        }),
    ),
    ...objects.map(
      ({ sid, actions, prefixes }) =>
        new PolicyStatement({
          sid,
          actions: [...actions],
          resources: prefixes.map((prefix) => bucket.arnForObjects(prefix)),
        }),
    ),
    ...(seesMissingObjects
      ? [new PolicyStatement({ sid: 'SeeMissingObjects', actions: ['s3:ListBucket'], resources: [bucket.bucketArn] })]
      : []),
    ...keyStatements(grantable),
  ]
}

/** A key of the customer's is used in the caller's name, but only by the two stores. */
const keyStatements = ({ table, encryptionKey }: Grantable): PolicyStatement[] => {
  if (encryptionKey === undefined) return []
  const { region, urlSuffix } = Stack.of(table)
  const services = ['dynamodb', 's3'].map((service) => `${service}.${region}.${urlSuffix}`)
  return [
    new PolicyStatement({
      sid: 'UseKey',
      actions: [
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:Encrypt',
        'kms:GenerateDataKey',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
      ],
      resources: [encryptionKey.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': services } },
    }),
  ]
}

/** Object prefixes that end in `*` in some role, for the one exception cdk-nag has to be told. */
export const wildcardsOf = (name: FunctionName): readonly string[] =>
  needs[name].objects.flatMap(({ prefixes }) => prefixes)
