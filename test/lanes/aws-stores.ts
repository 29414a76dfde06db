/** Fresh stores on an emulator. */
import { randomUUID } from 'node:crypto'
import { systemClock } from '../../src/runtime/system.ts'
import { type Aws, openAws } from '../../src/store/aws/open.ts'

/** A table or bucket that no other test uses. */
export const freshAws = (endpoint: string): Aws =>
  openAws({
    table: `table-${randomUUID()}`,
    bucket: `bucket-${randomUUID()}`,
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    clock: systemClock,
  })
