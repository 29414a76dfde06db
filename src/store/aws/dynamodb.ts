/** The ItemStore on DynamoDB: one table, `pk` and `sk` both strings. */
import {
  BatchGetItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { StoreError } from '../errors.ts'
import type { Condition, Item, ItemStore, Key, Query, Row, Update, Written } from '../items.ts'
import { limits } from '../limits.ts'
import { both, type Meter, unmetered } from '../meter.ts'
import { itemBytes, writeUnits } from '../sizes.ts'
import { type Answered, type Asking, ask } from './calls.ts'
import { type Connection, observing, readDeadlineMs } from './connection.ts'
import { compile } from './expressions.ts'
import { failureOf } from './failures.ts'
import { transactOn } from './transact.ts'
import { type Attributes, fromAttributes, keyOf, toKey } from './values.ts'

/** Reads may be retried by the SDK, writes never: a retried increment would be applied twice and reported as once. */
export type DynamoClients = { readonly reads: DynamoDBClient; readonly writes: DynamoDBClient }

export type DynamoItems = { readonly table: string; readonly connection: Connection; readonly clients: DynamoClients }

export function dynamoClients(connection: Connection): DynamoClients {
  const made = (maxAttempts: number) => {
    const client = new DynamoDBClient({ ...connection.client, maxAttempts })
    client.middlewareStack.add(observing(connection.serverTime), {
      step: 'deserialize',
      priority: 'low',
      name: 'serverTime',
    })
    return client
  }
  return { reads: made(3), writes: made(1) }
}

/** Backoff of a batch of which nothing was answered; after the last one the batch counts as throttled. */
const batchBackoffMs = [20, 40, 80, 160, 320, 640]

export function dynamoItems(table: DynamoItems, meter: Meter = unmetered): ItemStore {
  return {
    get: (key) => get(table, meter, key),
    batchGet: (keys) => batchGet(table, meter, keys),
    query: (query) => runQuery(table, meter, query),
    update: (key, change) => update(table, meter, key, change),
    delete: (key, condition) => remove(table, meter, key, condition),
    transact: (actions) => transactOn(table, meter, actions),
    forgets: true,
    metered: (also) => dynamoItems(table, both(meter, also)),
  }
}

const reading = ({ connection }: DynamoItems, meter: Meter, call: Asking['call']): Asking => ({
  meter,
  store: 'items',
  call,
  kind: 'read',
  deadlineMs: readDeadlineMs(connection),
})

const read = (
  capacity: { CapacityUnits?: number | undefined } | undefined,
  items: readonly Attributes[],
): Answered => ({
  readUnits: capacity?.CapacityUnits ?? 0,
  writeUnits: 0,
  bytes: items.reduce((sum, attributes) => sum + itemBytes(keyOf(attributes), fromAttributes(attributes)), 0),
})

/** A 200 without the capacity that was asked for is an empty or cut body: it does not say that there is nothing. */
const brokenAnswer = (call: string) => new StoreError('unavailable', `${call}: the answer is incomplete`)

async function get(table: DynamoItems, meter: Meter, key: Key): Promise<Item | undefined> {
  return ask(reading(table, meter, 'get'), async (abortSignal) => {
    const command = new GetItemCommand({
      TableName: table.table,
      Key: toKey(key),
      ConsistentRead: true,
      ReturnConsumedCapacity: 'TOTAL',
    })
    const output = await table.clients.reads.send(command, {
      abortSignal,
      requestTimeout: table.connection.readTimeoutMs,
    })
    if (!output.ConsumedCapacity) throw brokenAnswer('get')
    const found = output.Item
    return { answer: found && fromAttributes(found), ...read(output.ConsumedCapacity, found ? [found] : []) }
  })
}

const nameOf = (key: Key) => JSON.stringify([key.pk, key.sk])

async function batchGet(
  table: DynamoItems,
  meter: Meter,
  keys: readonly Key[],
): Promise<readonly (Item | undefined)[]> {
  if (keys.length > limits.batchGetKeys) throw new Error(`batchGet takes at most ${limits.batchGetKeys} keys`)
  const found = new Map<string, Item>()
  // DynamoDB refuses a batch that names a key twice.
  let wanted: Attributes[] = [...new Map(keys.map((key) => [nameOf(key), toKey(key)])).values()]
  let fruitless = 0
  while (wanted.length > 0) {
    const { rows, rest } = await batchGetOnce(table, meter, wanted)
    for (const row of rows) found.set(nameOf(keyOf(row)), fromAttributes(row))
    // Keys that were not processed are asked for again; they say nothing about whether the item is there.
    fruitless = rest.length < wanted.length ? 0 : fruitless + 1
    if (fruitless > 0) {
      const waitMs = batchBackoffMs[fruitless - 1]
      if (waitMs === undefined) throw new StoreError('throttled', `batchGet: ${rest.length} keys were never processed`)
      await table.connection.clock.sleep(waitMs)
    }
    wanted = rest
  }
  return keys.map((key) => found.get(nameOf(key)))
}

function batchGetOnce(table: DynamoItems, meter: Meter, keys: Attributes[]) {
  return ask(reading(table, meter, 'batchGet'), async (abortSignal) => {
    const command = new BatchGetItemCommand({
      RequestItems: { [table.table]: { Keys: keys, ConsistentRead: true } },
      ReturnConsumedCapacity: 'TOTAL',
    })
    const output = await table.clients.reads.send(command, {
      abortSignal,
      requestTimeout: table.connection.readTimeoutMs,
    })
    if (!output.Responses) throw brokenAnswer('batchGet')
    // Answers for a table stand under the name it was asked by; none at all where every key was left over.
    const rows = output.Responses[table.table] ?? []
    const rest = output.UnprocessedKeys?.[table.table]?.Keys ?? []
    return { answer: { rows, rest }, ...read(output.ConsumedCapacity?.[0], rows) }
  })
}

async function runQuery(table: DynamoItems, meter: Meter, query: Query): Promise<readonly Row[]> {
  const rows: Row[] = []
  // DynamoDB refuses an upside-down range; `from` and `to` are ordered by UTF-8 bytes there, and so is Buffer.compare.
  if (query.limit < 1) throw new Error(`a query's limit is at least 1, not ${query.limit}`)
  if (query.from !== undefined && query.to !== undefined && isAfter(query.from, query.to)) return rows
  let start: Attributes | undefined
  do {
    const page = await queryOnce(table, meter, { ...query, limit: query.limit - rows.length }, start)
    for (const attributes of page.found) rows.push({ sk: keyOf(attributes).sk, item: fromAttributes(attributes) })
    start = page.next
    // A page may be empty and still not be the last.
  } while (start && rows.length < query.limit)
  return rows
}

const isAfter = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)) > 0

function queryOnce(table: DynamoItems, meter: Meter, query: Query, start: Attributes | undefined) {
  return ask(reading(table, meter, 'query'), async (abortSignal) => {
    const command = new QueryCommand({
      TableName: table.table,
      KeyConditionExpression: `pk = :pk${rangeOf(query)}`,
      ExpressionAttributeValues: {
        ':pk': { S: query.pk },
        ...(query.from !== undefined && { ':from': { S: query.from } }),
        ...(query.to !== undefined && { ':to': { S: query.to } }),
      },
      ScanIndexForward: !query.reverse,
      Limit: query.limit,
      ConsistentRead: true,
      ReturnConsumedCapacity: 'TOTAL',
      ...(start && { ExclusiveStartKey: start }),
    })
    const output = await table.clients.reads.send(command, {
      abortSignal,
      requestTimeout: table.connection.readTimeoutMs,
    })
    if (!output.Items) throw brokenAnswer('query')
    return {
      answer: { found: output.Items, next: output.LastEvaluatedKey },
      ...read(output.ConsumedCapacity, output.Items),
    }
  })
}

function rangeOf({ from, to }: Query): string {
  if (from !== undefined && to !== undefined) return ' AND sk BETWEEN :from AND :to'
  if (from !== undefined) return ' AND sk >= :from'
  return to === undefined ? '' : ' AND sk <= :to'
}

// The commands of writes are made before anything is sent: a malformed update is the caller's mistake, not an unknown outcome.

async function update(table: DynamoItems, meter: Meter, key: Key, change: Update): Promise<Written> {
  const command = new UpdateItemCommand({
    TableName: table.table,
    Key: toKey(key),
    ...compile(change.patches, change.if),
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    ReturnConsumedCapacity: 'TOTAL',
  })
  return conditional(table, meter, 'update', key, async (abortSignal) => {
    const output = await table.clients.writes.send(command, { abortSignal })
    // A 200 with an empty body parses as an answer without anything in it.
    if (!output.Attributes) throw new StoreError('unknown-outcome', 'update: the answer holds no item')
    return { attributes: output.Attributes, units: output.ConsumedCapacity?.CapacityUnits }
  })
}

async function remove(table: DynamoItems, meter: Meter, key: Key, condition?: Condition): Promise<Written> {
  const command = new DeleteItemCommand({
    TableName: table.table,
    Key: toKey(key),
    ...compile([], condition),
    ReturnValues: 'ALL_OLD',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    ReturnConsumedCapacity: 'TOTAL',
  })
  return conditional(table, meter, 'delete', key, async (abortSignal) => {
    const output = await table.clients.writes.send(command, { abortSignal })
    return { attributes: output.Attributes ?? {}, units: output.ConsumedCapacity?.CapacityUnits }
  })
}

type Sent = { readonly attributes: Attributes; readonly units: number | undefined }

/** A write of one item: the answer, or the item that failed its condition. */
function conditional(
  table: DynamoItems,
  meter: Meter,
  call: 'update' | 'delete',
  key: Key,
  send: (signal: AbortSignal) => Promise<Sent>,
): Promise<Written> {
  const asking: Asking = { meter, store: 'items', call, kind: 'write', deadlineMs: table.connection.writeTimeoutMs }
  return ask<Written>(asking, async (signal) => {
    try {
      const { attributes, units } = await send(signal)
      const item = fromAttributes(attributes)
      const bytes = itemBytes(key, item)
      const answer: Written = { applied: true, item }
      return { answer, readUnits: 0, writeUnits: units ?? writeUnits(bytes, bytes), bytes }
    } catch (error) {
      if (failureOf(error).name !== 'ConditionalCheckFailedException') throw error
      const old = oldItem(error)
      const item = old && fromAttributes(old)
      const bytes = itemBytes(key, item)
      const answer: Written = { applied: false, item }
      // DynamoDB charges by the item that failed the condition, and does not say so in the error.
      return { answer, readUnits: 0, writeUnits: writeUnits(bytes, bytes), bytes, outcome: 'condition-failed' }
    }
  })
}

function oldItem(error: unknown): Attributes | undefined {
  // A ConditionalCheckFailedException carries the old item when ReturnValuesOnConditionCheckFailure asks for it.
  const { Item } = error as { Item?: Attributes }
  return Item
}
