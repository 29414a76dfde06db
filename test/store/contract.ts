import { afterAll, beforeAll, describe } from 'vitest'
import type { Stores } from '../../src/store/stores.ts'
import { conditionContract } from './contract-conditions.ts'
import { meterContract } from './contract-meter.ts'
import { objectContract } from './contract-objects.ts'
import { patchContract } from './contract-patches.ts'
import { batchGetAndQueryContract } from './contract-reads.ts'
import { transactContract } from './contract-transact.ts'

export type ContractOptions = {
  /** Whether the store counts units as AWS does. Some emulators only guess; then only the presence of a count is checked. */
  readonly exactUnits?: boolean
  /** The same for transactions alone: DynamoDB Local 2.6 adds up each *different* number of units once, and doubles the sum. */
  readonly exactTransactionUnits?: boolean
  /** Whether a patch of the wrong type (an append to a number) is refused. MiniStack replaces the number, or does nothing. */
  readonly refusesMistypedPatches?: boolean
}

/**
 * What every pair of stores must do, whoever implements it. Keys are fresh in every run, so that it can run against shared
 * tables and buckets. It stores some 45 MB.
 */
export function describeStores(
  name: string,
  open: () => Promise<{ stores: Stores }>,
  options: ContractOptions = {},
): void {
  describe(name, () => {
    let opened: Stores | undefined
    beforeAll(async () => {
      opened = (await open()).stores
    })
    afterAll(() => opened?.close())
    const stores = (): Stores => {
      if (!opened) throw new Error('the stores are not open')
      return opened
    }
    const { exactUnits = true, exactTransactionUnits = exactUnits, refusesMistypedPatches = true } = options
    patchContract(() => stores().items, refusesMistypedPatches)
    conditionContract(() => stores().items)
    batchGetAndQueryContract(() => stores().items)
    transactContract(() => stores().items, refusesMistypedPatches)
    meterContract(stores, exactUnits, exactTransactionUnits)
    objectContract(() => stores().objects)
  })
}
