import { inject } from 'vitest'
import { ensureAws } from '../../../src/store/aws/ensure.ts'
import { describeStores } from '../../store/contract.ts'
import { freshAws } from '../aws-stores.ts'

describeStores(
  "stores on MiniStack's DynamoDB and S3",
  async () => {
    const aws = freshAws(inject('ministackUrl'))
    await ensureAws(aws)
    return { stores: aws.stores }
  },
  { exactUnits: false, refusesMistypedPatches: false },
)
