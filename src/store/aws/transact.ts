/** TransactWriteItems: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
import { randomUUID } from 'node:crypto'
import { type CancellationReason, type TransactWriteItem, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb'
import { StoreError } from '../errors.ts'
import type { Action, Transacted } from '../items.ts'
import { limits } from '../limits.ts'
import type { Meter } from '../meter.ts'
import { transactFactor } from '../sizes.ts'
import { ask } from './calls.ts'
import type { DynamoItems } from './dynamodb.ts'
import { compile } from './expressions.ts'
import { failureOf } from './failures.ts'
import { toKey } from './values.ts'

export async function transactOn(table: DynamoItems, meter: Meter, actions: readonly Action[]): Promise<Transacted> {
  if (actions.length < 1 || actions.length > limits.transactActions)
    throw new Error(`a transaction has 1 to ${limits.transactActions} actions, not ${actions.length}`)
  const command = new TransactWriteItemsCommand({
    TransactItems: actions.map((action) => compileAction(table.table, action)),
    // Never sent again under the same token; with one, a copy made by the network cannot apply twice either.
    ClientRequestToken: randomUUID(),
    ReturnConsumedCapacity: 'TOTAL',
  })
  const asking = {
    meter,
    store: 'items',
    call: 'transact',
    kind: 'write',
    deadlineMs: table.connection.writeTimeoutMs,
  } as const
  return ask<Transacted>(asking, async (abortSignal) => {
    try {
      const output = await table.clients.writes.send(command, { abortSignal })
      const units = output.ConsumedCapacity?.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0) ?? 0
      return { answer: { applied: true }, readUnits: 0, writeUnits: units, bytes: 0 }
    } catch (error) {
      const failed = failedConditions(error)
      // DynamoDB charges for it and does not say how much; no less than this.
      const units = transactFactor * actions.length
      return {
        answer: { applied: false, failed },
        readUnits: 0,
        writeUnits: units,
        bytes: 0,
        outcome: 'condition-failed',
      }
    }
  })
}

function compileAction(TableName: string, action: Action): TransactWriteItem {
  if ('update' in action) {
    // Unlike UpdateItem, a transaction asks for an expression even where there is nothing to change.
    const { UpdateExpression = 'REMOVE noSuchAttribute', ...rest } = compile(action.patches, action.if)
    return { Update: { TableName, Key: toKey(action.update), UpdateExpression, ...rest } }
  }
  if ('delete' in action) return { Delete: { TableName, Key: toKey(action.delete), ...compile([], action.if) } }
  const { ConditionExpression, ...rest } = compile([], action.if)
  return { ConditionCheck: { TableName, Key: toKey(action.check), ConditionExpression, ...rest } }
}

/** The indexes of the actions whose condition failed. Throws where the transaction was cancelled for anything else. */
function failedConditions(error: unknown): readonly number[] {
  if (failureOf(error).name !== 'TransactionCanceledException') throw error
  // The SDK's TransactionCanceledException carries one reason an action, in their order.
  const { CancellationReasons: reasons = [] } = error as { CancellationReasons?: CancellationReason[] }
  const failed = reasons.flatMap(({ Code }, index) => (Code === 'ConditionalCheckFailed' ? [index] : []))
  if (failed.length > 0) return failed
  const { Code = '', Message = '' } = reasons.find(({ Code }) => Code !== undefined && Code !== 'None') ?? {}
  const text = `transact: ${Code}: ${Message}`
  if (/Conflict|Throttl|ThroughputExceeded|LimitExceeded/.test(Code))
    throw new StoreError('throttled', text, { cause: error })
  if (/item size/i.test(Message)) throw new StoreError('too-large', text, { cause: error })
  // Cancelled all the same: certainly not applied.
  if (Code === 'ValidationError') throw new Error(text, { cause: error })
  throw new StoreError('unavailable', text, { cause: error })
}
