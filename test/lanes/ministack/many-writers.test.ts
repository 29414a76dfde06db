import { inject } from 'vitest'
import { ensureAws } from '../../../src/store/aws/ensure.ts'
import { describeManyWriters } from '../../log/many-writers.ts'
import { freshAws } from '../aws-stores.ts'

async function open() {
  const aws = freshAws(inject('ministackUrl'))
  await ensureAws(aws)
  return aws.stores
}

describeManyWriters('MiniStack', open, 400)
