/** Fresh stores on an emulator. */
import { randomUUID } from 'node:crypto'
import { systemClock } from '../../src/runtime/system.ts'
import { type Aws, openAws } from '../../src/store/aws/open.ts'

/** A table or bucket that no other test uses. Patient: on a busy machine an emulator is slow, and no time-out is the subject here. */
export const freshAws = (endpoint: string): Aws =>
  openAws({
    table: `table-${randomUUID()}`,
    bucket: `bucket-${randomUUID()}`,
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    clock: systemClock,
    connectTimeoutMs: 30_000,
    readTimeoutMs: 30_000,
    writeTimeoutMs: 60_000,
  })
