/** Table and bucket: there, created (on this machine only), or a clear word about what is missing. */
import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb'
import { StoreError } from '../errors.ts'
import { failureOf, storeError } from './failures.ts'
import type { Aws } from './open.ts'

/** How long a new table may take to become active. */
const tableWaitSeconds = 60
/** How long one of these calls may take in all. */
const deadline = () => ({ abortSignal: AbortSignal.timeout(10_000) })

/**
 * Checks that the table and the bucket exist and that the table has the right key. Missing ones are created if, and only if,
 * `create` says so and the endpoint is this machine: in an account they belong to a stack. Throws `misconfigured` naming what is
 * missing or wrong.
 */
export async function ensureAws(aws: Aws, create = true): Promise<void> {
  try {
    await Promise.all([ensureTable(aws, create), ensureBucket(aws, create)])
  } catch (error) {
    // A malformed request is a mistake of ours elsewhere; here only names went into it, and those are the user's.
    const isName = error instanceof Error && failureOf(error.cause).name === 'ValidationException'
    throw isName ? new StoreError('misconfigured', error.message, { cause: error }) : error
  }
}

/** Loopback addresses and their usual names, LocalStack's among them (which resolves to 127.0.0.1). */
export function isThisMachine(endpoint: string | undefined): boolean {
  if (endpoint === undefined || !URL.canParse(endpoint)) return false
  const { hostname } = new URL(endpoint)
  return (
    /^127(\.\d+){3}$/.test(hostname) ||
    hostname === '[::1]' ||
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === 'localhost.localstack.cloud'
  )
}

const missing = (what: string) =>
  new StoreError(
    'misconfigured',
    `${what} does not exist. It belongs to the deployed stack; only a server on a local endpoint creates it.`,
  )

/** The table's part of `ensureAws`. */
export async function ensureTable({ connection, table: { table, clients } }: Aws, create = true): Promise<void> {
  const client = clients.reads
  try {
    await checkTable(client, table)
  } catch (error) {
    if (failureOf(error).name !== 'ResourceNotFoundException') throw storeError(error, 'read', `table ${table}`)
    if (!(create && isThisMachine(connection.endpoint))) throw missing(`the DynamoDB table ${table}`)
    await createTable(client, table)
  }
}

async function checkTable(client: DynamoDBClient, table: string): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }), deadline())
  const keys = Table?.KeySchema?.map(({ AttributeName, KeyType }) => `${AttributeName} ${KeyType}`).join(', ')
  if (keys !== 'pk HASH, sk RANGE')
    throw new StoreError('misconfigured', `the DynamoDB table ${table} has the key ${keys}, not pk HASH, sk RANGE`)
  if (Table?.TableStatus === 'CREATING') await active(client, table)
}

async function createTable(client: DynamoDBClient, table: string): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
      deadline(),
    )
  } catch (error) {
    // Another process was first.
    if (failureOf(error).name !== 'ResourceInUseException') throw storeError(error, 'write', `create table ${table}`)
  }
  await active(client, table)
  await forgetting(client, table)
}

/** Items whose `ttl` has passed go by themselves, as in a deployed table (infra/storage.ts). Without it they stay, and only cost. */
async function forgetting(client: DynamoDBClient, TableName: string): Promise<void> {
  const command = new UpdateTimeToLiveCommand({
    TableName,
    TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
  })
  try {
    await client.send(command, deadline())
  } catch (error) {
    // Another process was first; or an emulator that has no such thing.
    if (failureOf(error).name !== 'ValidationException' && failureOf(error).status !== 400)
      throw storeError(error, 'write', `time to live of table ${TableName}`)
  }
}

async function active(client: DynamoDBClient, table: string): Promise<void> {
  const patience = { client, maxWaitTime: tableWaitSeconds, minDelay: 1, maxDelay: 2 }
  try {
    await waitUntilTableExists(patience, { TableName: table })
  } catch (error) {
    throw storeError(error, 'read', `waiting for table ${table}`)
  }
}

async function ensureBucket({ bucket, connection }: Aws, create: boolean): Promise<void> {
  const { sdk, client } = await bucket.s3()
  const Bucket = bucket.bucket
  try {
    await client.send(new sdk.HeadBucketCommand({ Bucket }), deadline())
  } catch (error) {
    const { name, status } = failureOf(error)
    // HEAD answers without a body: the status is all there is.
    if (status === 403)
      throw new StoreError('misconfigured', `the bucket ${Bucket} may not be used: access denied`, { cause: error })
    if (status !== 404 && name !== 'NotFound') throw storeError(error, 'read', `bucket ${Bucket}`)
    if (!(create && isThisMachine(connection.endpoint))) throw missing(`the S3 bucket ${Bucket}`)
    await createBucket(bucket)
  }
}

async function createBucket(bucket: Aws['bucket']): Promise<void> {
  const { sdk, client } = await bucket.s3()
  try {
    await client.send(new sdk.CreateBucketCommand({ Bucket: bucket.bucket }), deadline())
  } catch (error) {
    // Another process was first.
    if (failureOf(error).name !== 'BucketAlreadyOwnedByYou')
      throw storeError(error, 'write', `create bucket ${bucket.bucket}`)
  }
}
