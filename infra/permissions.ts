/**
 * What each function may do: exact actions, on this table (by partition key) and under these prefixes of this bucket. The
 * LocalStack lane records every call a function makes and holds it against these statements.
 */
import { Stack } from 'aws-cdk-lib'
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { LambdaName } from './functions.ts'

export type Grantable = {
  readonly table: TableV2
  readonly bucket: Bucket
  readonly encryptionKey: IKey | undefined
  readonly autoCreateTopics: boolean
}

type Statement = { readonly sid: string; readonly actions: readonly string[] }

type Need = {
  /** Actions on items, and the partition keys (src/log/keys.ts has them all) they are for. */
  readonly items: readonly (Statement & { readonly keys: readonly string[] })[]
  /** Actions on objects, and the prefixes they are for. */
  readonly objects: readonly (Statement & { readonly prefixes: readonly string[] })[]
  /** `s3:ListBucket`: without it S3 answers 403, not 404, for an object that has been rolled or retained away. */
  readonly seesMissingObjects: boolean
}

const get = 'dynamodb:GetItem'
const batchGet = 'dynamodb:BatchGetItem'
const query = 'dynamodb:Query'
const update = 'dynamodb:UpdateItem'
const remove = 'dynamodb:DeleteItem'

/**
 * Creating or deleting a topic is a transaction, for which IAM asks for each kind of action in it. Whether it then sees one
 * action's key or those of the whole transaction is not documented: one statement over all of them holds either way.
 */
const writeTopics = { sid: 'WriteTopics', actions: [update, remove], keys: ['topics', 'jobs', 'h/*'] }

const findTopics = { sid: 'FindTopics', actions: [get], keys: ['topics'] }
/** What the caller may touch of what a body names, or a list shows. */
const readGrants = { sid: 'ReadGrants', actions: [get], keys: ['grants/*'] }
const readHead = { sid: 'ReadHead', actions: [get], keys: ['h/*'] }

const readLog = [
  { sid: 'ReadIndex', actions: [query], keys: ['i/*'] },
  { sid: 'ReadBlobItems', actions: [batchGet], keys: ['b/*'] },
]
/** A reader that meets what TTL has removed moves the log's start. */
const passExpired = { sid: 'PassExpired', actions: [update], keys: ['h/*'] }
const readObjects = { sid: 'ReadObjects', actions: ['s3:GetObject'], prefixes: ['blobs/*', 'segments/*'] }

/** Joining, beating, finding the dead and leaving, for an instance that is a member; the first of a group also names it. */
const takePart = [
  { sid: 'TakePart', actions: [get, batchGet, query, update, remove], keys: ['group/*'] },
  { sid: 'NameGroups', actions: [get, update], keys: ['groups/*'] },
  // Auto commit, and the fence of a generation.
  { sid: 'KeepOffsets', actions: [batchGet, update], keys: ['offsets/*'] },
]

const needsOf = (name: LambdaName | 'grants', autoCreateTopics: boolean): Need => {
  switch (name) {
    case 'produce':
      return {
        items: [
          findTopics,
          // A head that is full spills into the index; a horizon too far ahead raises the topic's era.
          { sid: 'Append', actions: [update], keys: ['h/*', 'i/*', 'b/*', 'topics'] },
          // Settles an append of unknown outcome.
          { sid: 'ReadIndex', actions: [query], keys: ['i/*'] },
          // `configs:alter` shares its route with `records:batch`: a longer retention is told to the blobs that would go before.
          readHead,
          { sid: 'AppendOnce', actions: [get, update], keys: ['once/*'] },
          // v3 names the cluster in its paths and reports.
          { sid: 'KnowCluster', actions: [get, update], keys: ['cluster'] },
          ...(autoCreateTopics ? [writeTopics] : []),
        ],
        objects: [{ sid: 'StoreBlobs', actions: ['s3:PutObject'], prefixes: ['blobs/*'] }],
        seesMissingObjects: false,
      }
    case 'fetch':
      return {
        items: [
          readGrants,
          // A pattern is matched against all names.
          { sid: 'FindTopics', actions: [get, query], keys: ['topics'] },
          // A poll reads the heads of all its partitions at once.
          { sid: 'ReadHeads', actions: [get, batchGet], keys: ['h/*'] },
          ...readLog,
          passExpired,
          { sid: 'MoveConsumers', actions: [get, update], keys: ['consumer/*'] },
          ...takePart,
        ],
        objects: [readObjects],
        seesMissingObjects: true,
      }
    case 'commit':
      return {
        items: [
          readGrants,
          { sid: 'FindTopics', actions: [get, query], keys: ['topics'] },
          readHead,
          // A position by time looks into the log.
          ...readLog,
          passExpired,
          { sid: 'KeepConsumers', actions: [get, update, remove], keys: ['consumer/*'] },
          ...takePart,
        ],
        objects: [readObjects],
        seesMissingObjects: true,
      }
    case 'topics':
      return {
        items: [
          readGrants,
          { sid: 'FindTopics', actions: [get, query], keys: ['topics'] },
          readHead,
          // Tells a deletion of one's own, whose answer was lost, from another's.
          { sid: 'ReadJobs', actions: [get], keys: ['jobs'] },
          { sid: 'KnowCluster', actions: [get, update], keys: ['cluster'] },
          writeTopics,
          // A longer retention is told to the blobs that would go before.
          { sid: 'FindBlobs', actions: [query], keys: ['i/*'] },
          { sid: 'KeepBlobsLonger', actions: [update], keys: ['b/*'] },
        ],
        objects: [],
        seesMissingObjects: false,
      }
    case 'groups':
      return {
        items: [
          readGrants,
          { sid: 'ListGroups', actions: [query], keys: ['groups/*'] },
          { sid: 'ReadGroups', actions: [get, batchGet, query], keys: ['group/*'] },
          { sid: 'ReadOffsets', actions: [query], keys: ['offsets/*'] },
          { sid: 'FindTopics', actions: [query], keys: ['topics'] },
          { sid: 'ReadHeads', actions: [get, batchGet], keys: ['h/*'] },
          { sid: 'KnowCluster', actions: [get, update], keys: ['cluster'] },
        ],
        objects: [],
        seesMissingObjects: false,
      }
    case 'kafka':
      // Any API of Kafka's may stand in a frame: what its caller may touch, the function asks of the caller's grants.
      return {
        items: [
          readGrants,
          { sid: 'FindTopics', actions: [get, query], keys: ['topics'] },
          // A head may be created or deleted with its topic: one statement over a transaction's keys, as for all topics.
          { ...writeTopics, actions: [get, ...writeTopics.actions] },
          { sid: 'Append', actions: [batchGet, update], keys: ['h/*', 'i/*', 'b/*', 'topics'] },
          ...readLog,
          { sid: 'NumberProducers', actions: [get, update], keys: ['producers'] },
          { sid: 'KnowCluster', actions: [get, update], keys: ['cluster'] },
          ...takePart,
          { sid: 'KeepGroups', actions: [get, query, update, remove], keys: ['group/*', 'groups/*'] },
          { sid: 'ChangeOffsets', actions: [get, query, remove], keys: ['offsets/*'] },
        ],
        objects: [{ sid: 'StoreBlobs', actions: ['s3:PutObject'], prefixes: ['blobs/*'] }, readObjects],
        seesMissingObjects: true,
      }
    case 'grants':
      return {
        items: [{ sid: 'KeepGrants', actions: [update, remove], keys: ['grants/*'] }],
        objects: [],
        seesMissingObjects: false,
      }
    case 'maintain':
      return {
        items: [
          { sid: 'KeepPlace', actions: [get, query, update, remove], keys: ['maintenance', 'upkeep/*'] },
          // A change of configs that died half way is brought to an end.
          { sid: 'ListTopics', actions: [get, query, update], keys: ['topics'] },
          { sid: 'KnowCluster', actions: [get, update], keys: ['cluster'] },
          { sid: 'WorkOffJobs', actions: [query, update, remove], keys: ['jobs'] },
          // What left the log's start behind, and the heads of deleted topics.
          { sid: 'MoveHeads', actions: [get, batchGet, update, remove], keys: ['h/*'] },
          // Entries are swapped in a transaction that holds the partition's lease, or its compaction: one statement over all.
          {
            sid: 'SwapEntries',
            actions: [get, query, update, remove, 'dynamodb:ConditionCheckItem'],
            keys: ['i/*', 'leases', 'compaction/*'],
          },
          { sid: 'TidyBlobItems', actions: [get, batchGet, query, update, remove], keys: ['b/*'] },
          { sid: 'TidyProducers', actions: [query, remove], keys: ['s/*'] },
          // A group and its name go in one transaction: one statement over both, as for topics.
          { sid: 'TidyGroups', actions: [get, query, update, remove], keys: ['group/*', 'groups/*'] },
          { sid: 'TidyOffsets', actions: [query, remove], keys: ['offsets/*'] },
          { sid: 'TidyConsumers', actions: [query, remove], keys: ['consumer/*'] },
        ],
        objects: [
          // And the cluster's mark, which says whose the bucket is.
          { sid: 'StoreSegments', actions: ['s3:PutObject'], prefixes: ['segments/*', 'clusters/*'] },
          { sid: 'TidyObjects', actions: ['s3:GetObject', 's3:DeleteObject'], prefixes: ['blobs/*', 'segments/*'] },
        ],
        seesMissingObjects: true,
      }
  }
}

/** The statements of one function's role, apart from its log. */
export const statementsOf = (name: LambdaName | 'grants', grantable: Grantable): PolicyStatement[] => {
  const { items, objects, seesMissingObjects } = needsOf(name, grantable.autoCreateTopics)
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
export const objectPrefixes: readonly string[] = ['blobs/*', 'segments/*', 'clusters/*']
