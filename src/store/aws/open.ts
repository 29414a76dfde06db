/** Opens the stores of one deployment in AWS, or on an emulator. */
import type { Clock } from '../../runtime/clock.ts'
import type { Stores } from '../stores.ts'
import { type Connection, type ConnectionOptions, connect } from './connection.ts'
import { type DynamoItems, dynamoClients, dynamoItems } from './dynamodb.ts'
import { type S3Bucket, s3Bucket, s3Objects } from './s3.ts'

export type AwsOptions = ConnectionOptions & { readonly table: string; readonly bucket: string }

export type Aws = {
  readonly stores: Stores
  /** The given clock, corrected by the services' answers: the one to hand to the core. */
  readonly clock: Clock
  readonly table: DynamoItems
  readonly bucket: S3Bucket
  readonly connection: Connection
}

/** Makes clients; reaches for nothing yet. */
export function openAws(options: AwsOptions): Aws {
  const connection = connect(options)
  const clients = dynamoClients(connection)
  const table: DynamoItems = { table: options.table, connection, clients }
  const bucket = s3Bucket(options.bucket, connection)
  const close = async () => {
    clients.reads.destroy()
    clients.writes.destroy()
    bucket.close()
    connection.client.requestHandler.destroy()
  }
  return {
    stores: { items: dynamoItems(table), objects: s3Objects(bucket), close },
    clock: connection.clock,
    table,
    bucket,
    connection,
  }
}
