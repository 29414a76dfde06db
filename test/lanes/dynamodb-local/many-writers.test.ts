import { inject } from 'vitest'
import { systemClock } from '../../../src/runtime/system.ts'
import { ensureTable } from '../../../src/store/aws/ensure.ts'
import { memoryStores } from '../../../src/store/embedded/memory.ts'
import { describeManyWriters } from '../../log/many-writers.ts'
import { freshAws } from '../aws-stores.ts'

async function open() {
  const aws = freshAws(inject('dynamodbUrl'))
  await ensureTable(aws)
  return { ...aws.stores, objects: memoryStores(systemClock.now).objects }
}

describeManyWriters('DynamoDB Local', open, 400)
