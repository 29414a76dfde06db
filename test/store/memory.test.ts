import { systemClock } from '../../src/runtime/system.ts'
import { memoryStores } from '../../src/store/embedded/memory.ts'
import { describeStores } from './contract.ts'

describeStores('stores in memory', async () => ({ stores: memoryStores(systemClock.now) }))
