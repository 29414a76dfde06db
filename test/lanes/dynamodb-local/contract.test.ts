import { inject } from 'vitest'
import { systemClock } from '../../../src/runtime/system.ts'
import { ensureTable } from '../../../src/store/aws/ensure.ts'
import { memoryStores } from '../../../src/store/embedded/memory.ts'
import { describeStores } from '../../store/contract.ts'
import { freshAws } from '../aws-stores.ts'

describeStores('items on DynamoDB Local, objects in memory', open, { exactTransactionUnits: false })

async function open() {
  const aws = freshAws(inject('dynamodbUrl'))
  await ensureTable(aws)
  return { stores: { ...aws.stores, objects: memoryStores(systemClock.now).objects } }
}
