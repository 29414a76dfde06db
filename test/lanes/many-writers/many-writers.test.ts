import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDisk } from '../../../src/store/embedded/disk.ts'
import { memoryStores } from '../../../src/store/embedded/memory.ts'
import { describeManyWriters } from '../../log/many-writers.ts'

describeManyWriters('memory', async () => memoryStores())

describeManyWriters('disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-'))
  const stores = await openDisk(folder)
  return {
    ...stores,
    close: async () => {
      await stores.close()
      await rm(folder, { recursive: true })
    },
  }
})
